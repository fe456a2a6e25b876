"""Every shipped scenario is whole: it loads, fits its devices, and says what it answers."""

from __future__ import annotations

import pytest

from simulator.hardware.catalogue import load_device
from simulator.latency.compile import compile_backend
from simulator.models.catalogue import load_model
from simulator.scenario.loading import load_scenario
from simulator.scenario.references import shipped_names
from simulator.units.data_files import data_folder
from simulator.units.random_streams import RandomStreams
from simulator.workload import build_workload

SCENARIOS = shipped_names("scenarios")


def test_there_is_one_for_every_kind_of_machine_and_load():
    scenarios = [load_scenario(name) for name in SCENARIOS]
    families = {load_device(pool.hardware).family for one in scenarios for pool in one.cluster.pools}
    assert {"gpu-hbm", "lpu-sram", "wafer-sram", "asic-hbm"} <= families
    assert any(one.workload.arrivals.process == "closed_loop" for one in scenarios)
    assert any(one.workload.thinking for one in scenarios)
    assert any(one.cluster.transfer for one in scenarios)


@pytest.mark.parametrize("name", SCENARIOS)
def test_it_says_what_it_answers_and_names_its_schema(name):
    text = (data_folder("scenarios") / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=../docs/scenario.schema.json\n")
    assert load_scenario(name).description.endswith("?")
    assert load_scenario(name).name == name


@pytest.mark.parametrize("name", SCENARIOS)
def test_its_model_fits_its_devices(name):
    scenario = load_scenario(name)
    model = scenario.model
    for pool in scenario.cluster.pools:
        compiled = compile_backend(
            pool.latency,
            load_model(model.card),
            load_device(pool.hardware),
            pool.parallelism,
            pool.engine,
            weight_dtype=model.weight_dtype,
            kv_dtype=model.kv_dtype,
        )
        # room for at least one request of the greatest length
        longest = pool.engine.max_model_len
        assert longest is not None
        assert compiled.placement.kv_capacity_tokens >= longest


@pytest.mark.parametrize("name", SCENARIOS)
def test_its_longest_request_fits_the_engine(name):
    scenario = load_scenario(name)
    source = build_workload(
        scenario.workload, RandomStreams(scenario.seed), 100, base_dir=scenario.workload_dir
    )
    assert source.max_total_tokens is not None
    for pool in scenario.cluster.pools:
        assert pool.engine.max_model_len is not None
        assert source.max_total_tokens <= pool.engine.max_model_len


def test_the_azure_scenarios_differ_only_in_the_machine_and_its_precision():
    machines = [load_scenario(name) for name in SCENARIOS if name.startswith("azure-conv-")]
    assert len(machines) == 4
    first, *others = machines
    for other in others:
        for key in ("workload", "slo", "requests", "warmup", "seed"):
            assert getattr(other, key) == getattr(first, key)
