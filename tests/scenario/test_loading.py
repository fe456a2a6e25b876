"""A scenario comes from a file, a shipped name or a mapping, with names opened and paths found."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from simulator.errors import InputError
from simulator.scenario.backend import AutoBackendSpec
from simulator.scenario.loading import load_scenario


def test_a_file_and_the_same_mapping_are_the_same_scenario(written, small):
    from_file, from_mapping = load_scenario(written()), load_scenario(small)
    assert from_file.model_dump() == from_mapping.model_dump()


def test_what_is_not_said_has_vllms_defaults(small):
    pool = load_scenario(small).cluster.pools[0]
    engine = pool.engine
    assert (engine.block_size, engine.max_num_seqs, engine.max_num_batched_tokens) == (16, 256, 8192)
    assert engine.enable_chunked_prefill and engine.enable_prefix_caching and engine.schedules_ahead
    assert engine.scheduling_policy == "fcfs" and engine.gpu_memory_utilization == 0.9
    assert (pool.replicas, pool.parallelism.devices, pool.role) == (1, 1, "unified")
    assert pool.latency == AutoBackendSpec()


def test_quantities_are_read_in_their_units(small):
    small |= {"duration": "10 min", "warmup": "1 min", "slo": {"ttft": "500 ms"}}
    scenario = load_scenario(small)
    assert (scenario.duration, scenario.warmup, scenario.slo.ttft) == (600.0, 60.0, 0.5)


def test_a_shipped_workload_opens_by_name(small):
    small["workload"] = "azure-conv-2023"
    scenario = load_scenario(small)
    assert scenario.workload.classes
    assert scenario.workload_dir.name == "workloads"


def test_a_workload_file_is_meant_from_the_scenarios_folder(written, small, monkeypatch):
    import yaml

    mine = written(yaml.safe_dump(small.pop("workload")), "mine.yaml")
    path = written(yaml.safe_dump({**small, "workload": "mine.yaml"}))
    monkeypatch.chdir("/")
    scenario = load_scenario(path)
    assert scenario.workload.arrivals.rate == 6.45
    assert scenario.workload_dir == mine.parent.resolve()


def test_a_path_given_for_a_shipped_workload_is_meant_from_the_scenarios_folder(written, small, monkeypatch):
    import yaml

    recorded = written(b"arrival_s,prompt_tokens,output_tokens\n0,10,5\n", "mine.csv")
    path = written(yaml.safe_dump({**small, "workload": "azure-conv-2023"}))
    monkeypatch.chdir("/")
    replay = {
        "workload.arrivals": {"process": "replay", "file": "mine.csv"},
        "workload.classes": None,
    }
    assert Path(load_scenario(path, replay).workload.arrivals.file) == recorded.resolve()
    monkeypatch.chdir(recorded.parent.parent)
    replay["workload.arrivals"]["file"] = f"{recorded.parent.name}/mine.csv"
    assert Path(load_scenario(path, replay).workload.arrivals.file) == recorded.resolve()


def test_a_named_workload_can_be_changed_in_part(small):
    small["workload"] = {"from": "azure-conv-2023", "arrivals": {"rate": "12 /s"}}
    changed = load_scenario(small).workload
    original = load_scenario(small | {"workload": "azure-conv-2023"}).workload
    assert changed.arrivals == original.arrivals.model_copy(update={"rate": 12.0})
    assert changed.classes == original.classes


def test_another_arrival_process_replaces_the_named_one_whole(small):
    small["workload"] = {"from": "azure-conv-2023", "arrivals": {"process": "poisson", "rate": "12 /s"}}
    assert load_scenario(small).workload.arrivals.process == "poisson"


def test_own_cards_and_profiles_are_meant_from_the_scenarios_folder(written, monkeypatch):
    from simulator.units.data_files import data_folder

    card = (data_folder("model_cards") / "llama-3.1-8b.yaml").read_bytes()
    device = (data_folder("hardware_profiles") / "nvidia-h100-sxm.yaml").read_bytes()
    written(card, "card.yaml")
    written(device, "device.yaml")
    path = written()
    monkeypatch.chdir("/")
    scenario = load_scenario(path, {"model": "card.yaml", "cluster.pools[0].hardware": "device.yaml"})
    assert Path(scenario.model.card) == path.parent / "card.yaml"
    assert Path(scenario.cluster.pools[0].hardware) == path.parent / "device.yaml"


def test_what_a_scenario_writes_down_reads_back_the_same(small):
    scenario = load_scenario(small | {"slo": {"ttft": "500 ms"}, "warmup": "3 s"})
    again = load_scenario(scenario.model_dump(mode="json"))
    assert again.model_dump() == scenario.model_dump()


def test_a_scenario_travels_to_another_process(written):
    scenario = load_scenario(written())
    again = pickle.loads(pickle.dumps(scenario))
    assert again == scenario
    assert again.workload_dir == scenario.workload_dir


def test_a_scenario_cannot_be_changed(small):
    with pytest.raises(ValueError, match="frozen"):
        load_scenario(small).seed = 3


def test_whole_numbers_may_be_written_with_an_exponent(small):
    assert load_scenario(small | {"requests": "1e4"}).requests == 10_000
    with pytest.raises(InputError, match=r"requests: found .* expected a whole number"):
        load_scenario(small | {"requests": "1.5"})
