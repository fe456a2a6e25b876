"""``--set key=value`` replaces one value, wherever it came from."""

from __future__ import annotations

import pytest

from simulator.errors import InputError
from simulator.scenario.key_paths import format_path, parse_path
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


@pytest.mark.parametrize("text", ["seed", "cluster.pools[0].engine.block_size", "a[0][1].b"])
def test_paths_are_written_as_they_are_read(text):
    assert format_path(parse_path(text)) == text
