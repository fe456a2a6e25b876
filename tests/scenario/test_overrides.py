"""``--set key=value`` replaces one value, wherever it came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import InputError
from simulator.scenario.loading import load_scenario


@pytest.mark.parametrize("path", ["cluster.pools.0.replicas", "cluster.pools[0].replicas"])
def test_list_items_are_reached_by_both_spellings(small, path):
    assert load_scenario(small, [f"{path}=8"]).cluster.pools[0].replicas == 8


def test_missing_sections_come_into_being(small):
    scenario = load_scenario(small, ["cluster.pools[0].engine.max_num_seqs=32", "slo.ttft=250 ms"])
    assert scenario.cluster.pools[0].engine.max_num_seqs == 32
    assert scenario.slo.ttft == 0.25


def test_an_override_reaches_inside_a_named_workload(small):
    small["workload"] = "azure-conv-2023"
    scenario = load_scenario(small, ["workload.arrivals.rate=12 /s"])
    assert scenario.workload.arrivals.rate == 12.0
    assert scenario.workload.classes
    assert scenario.workload_dir.name == "workloads"


def test_an_override_reaches_inside_a_workload_that_changes_a_named_one(small):
    small["workload"] = {"from": "azure-conv-2023"}
    assert load_scenario(small, ["workload.arrivals.rate=12 /s"]).workload.arrivals.rate == 12.0


def test_an_override_reaches_inside_a_named_model(small):
    model = load_scenario(small, ["model.weight_dtype=fp8"]).model
    assert (model.card, model.weight_dtype) == ("llama-3.1-8b", "fp8")


def test_later_overrides_win(small):
    assert load_scenario(small, ["seed=1", "seed=2"]).seed == 2


def test_values_are_read_as_yaml(small):
    pool = load_scenario(small, ["cluster.pools[0].parallelism={tensor: 2}", "jumping=false"])
    assert pool.cluster.pools[0].parallelism.tensor == 2
    assert pool.jumping is False


def test_values_need_not_be_text(small):
    assert load_scenario(small, {"cluster.pools.0.replicas": 3}).cluster.pools[0].replicas == 3


def test_null_takes_a_key_back_to_its_default(small):
    small |= {"warmup": "3 s", "slo": {"ttft": "1 s"}}
    small["cluster"]["pools"][0] |= {"replicas": 4, "engine": {"max_num_seqs": 8}}
    nulls = ["warmup", "slo", "cluster.pools[0].replicas", "cluster.pools[0].engine.max_num_seqs"]
    scenario = load_scenario(small, [f"{key}=null" for key in nulls])
    pool = scenario.cluster.pools[0]
    assert (scenario.warmup, scenario.slo.ttft) == (0.0, None)
    assert (pool.replicas, pool.engine.max_num_seqs) == (1, 256)


def test_null_stays_null_where_it_means_something_of_its_own(small):
    cascade = "{kind: cascade, small: llama-3.1-8b, large: llama-3.1-8b}"
    overrides = [f"reasoning.strategy={cascade}", "reasoning.strategy.verifier=null"]
    assert load_scenario(small, overrides).reasoning.strategy.verifier is None


def test_a_misspelt_key_is_refused_whatever_it_is_set_to(small):
    with pytest.raises(InputError, match=r"--set: .*speculatve: unknown key .*'speculative'"):
        load_scenario(small, ["cluster.pools[0].speculatve=null"])


def test_null_takes_a_key_away_that_another_kind_does_not_know(small):
    small["workload"]["arrivals"] = {"process": "gamma", "rate": "1 /s", "burstiness": 2.0}
    other = ["workload.arrivals.process=constant", "workload.arrivals.burstiness=null"]
    assert load_scenario(small, other).workload.arrivals.process == "constant"


def test_a_key_without_a_default_cannot_be_null(small):
    with pytest.raises(InputError, match=r"--set: cluster: this key is required"):
        load_scenario(small, ["cluster=null"])


def test_the_given_mapping_stays_as_it_was(small):
    import copy

    before = copy.deepcopy(small)
    load_scenario(small, ["cluster.pools[0].replicas=8", "model.kv_dtype=fp8"])
    assert small == before


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("replicas", "expected key=value"),
        ("=3", "expected key=value"),
        ("cluster..pools=3", "not a path of keys"),
        ("cluster.pools[x]=3", "not a path of keys"),
        ("cluster.pools[2].replicas=3", "index from 0 to 0, found 2"),
        ("cluster.pools.main.replicas=3", "index from 0 to 0, found 'main'"),
        ("seed.x=3", "unknown key|has no part 'x'"),
        ("cluster.pools[0].replica=3", r"--set: cluster.pools\[0\].replica: unknown key .*'replicas'"),
        ("workload.arrivals.rate=3 GB", "--set: workload.arrivals.rate: .*not a rate"),
        ("model=llama-3.1-8", "--set: model.card: unknown model .*llama-3.1-8b"),
    ],
)
def test_a_wrong_override_is_named_as_such(small, assignment, message):
    with pytest.raises(InputError, match=message):
        load_scenario(small | {"seed": 0}, [assignment])


DEVICE, TRACE = "acme-x1.yaml", "requests.csv"


@pytest.fixture
def elsewhere(written, tmp_path, monkeypatch):
    """A scenario in one folder, and the shell in another that has the user's own files."""
    from simulator.units.data_files import data_folder

    scenario, here = written(), tmp_path / "here"
    here.mkdir()
    for name, folder, shipped in [
        (DEVICE, "hardware_profiles", "nvidia-h100-sxm"),
        ("card.yaml", "model_cards", "llama-3.1-8b"),
        ("traffic.yaml", "workloads", "azure-conv-2023"),
    ]:
        (here / name).write_bytes((data_folder(folder) / f"{shipped}.yaml").read_bytes())
    (here / TRACE).write_text("arrival_s,prompt_tokens,output_tokens\n0,10,5\n")
    (here / "llama-3.1-8b").mkdir()  # a folder that happens to have the name of a card
    monkeypatch.chdir(here)
    return scenario


def test_a_path_is_meant_from_the_current_folder(elsewhere):
    overrides = [
        f"cluster.pools[0].hardware={DEVICE}",
        "model=card.yaml",
        f"compare.hardware=[h100, {{hardware: {DEVICE}, price: 3 USD/hour}}]",
        f"workload={{arrivals: {{process: replay, file: {TRACE}}}}}",
        "cluster.pools[0].latency={backend: fitted, file: card.yaml}",
    ]
    scenario = load_scenario(elsewhere, overrides)
    pool = scenario.cluster.pools[0]
    assert [Path(pool.hardware), Path(scenario.model.card)] == [Path.cwd() / DEVICE, Path.cwd() / "card.yaml"]
    assert [one.hardware for one in scenario.compare.hardware] == ["h100", str(Path.cwd() / DEVICE)]
    assert Path(scenario.workload.arrivals.file) == Path.cwd() / TRACE
    assert Path(pool.latency.file) == Path.cwd() / "card.yaml"


def test_a_path_in_a_workload_of_another_folder_is_meant_from_the_current_one(elsewhere):
    scenario = load_scenario(elsewhere, ["workload=vllm-cpu-chat", f"workload.arrivals.file={TRACE}"])
    assert Path(scenario.workload.arrivals.file) == Path.cwd() / TRACE


def test_a_workload_is_a_path_from_the_current_folder_too(elsewhere):
    scenario = load_scenario(elsewhere, ["workload=traffic.yaml", "workload.arrivals.rate=12 /s"])
    assert scenario.workload.classes and scenario.workload.arrivals.rate == 12.0


def test_a_name_of_the_catalogue_stays_a_name_whatever_lies_in_the_current_folder(elsewhere):
    assert load_scenario(elsewhere, ["model=llama-3.1-8b"]).model.card == "llama-3.1-8b"


def test_a_path_that_only_the_scenarios_folder_has_is_meant_from_there(elsewhere, tmp_path):
    (Path.cwd() / DEVICE).rename(tmp_path / DEVICE)
    scenario = load_scenario(elsewhere, [f"cluster.pools[0].hardware={DEVICE}"])
    assert Path(scenario.cluster.pools[0].hardware) == tmp_path / DEVICE
