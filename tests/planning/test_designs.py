"""The scenario that stands for the same question on other hardware, or in another layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import InputError
from simulator.hardware.catalogue import load_device
from simulator.planning.compare_hardware import compare_hardware, entrants_of
from simulator.planning.designs import layouts_on, on_hardware
from simulator.planning.frontier.designs import designs_of
from simulator.planning.layouts import LayoutChoice
from simulator.planning.lengths import lengths_of
from simulator.planning.size.families import families_of
from simulator.scenario.compare import EntrantSpec
from simulator.scenario.frontier import FrontierSpec
from simulator.units.data_files import data_folder

POOL = {"name": "main", "hardware": "nvidia-l4", "price": "0.5 USD/hour", "engine": {"max_num_seqs": 64}}
STEPS = {"backend": "linear", "base_ns": 5_000_000}
CHAIN = FrontierSpec.model_validate({"strategies": ["chain"]})


def pools_of(scenario):
    """The pool on its own hardware, as sizing, a comparison and the frontier have it."""
    (family, *_), _ = families_of(scenario)
    layout = layouts_on(load_device("nvidia-l4"), scenario, lengths_of(scenario))[0]
    compared = on_hardware(scenario, EntrantSpec(hardware="nvidia-l4"), layout, 4000)
    (design,) = designs_of(scenario, CHAIN)
    return [one.cluster.pools[0] for one in (family.unit, compared, design.scenario)]


def test_every_plan_keeps_what_the_cluster_says_of_its_own_hardware(chat):
    cluster = {"pools": [{**POOL, "power": {"host": "90 W"}}]}
    pools = pools_of(chat(cluster=cluster, size={"parallelism": "auto"}))
    assert [pool.price for pool in pools] == [0.5] * 3
    assert [pool.power.host for pool in pools] == [90.0] * 3
    assert len({pool.parallelism for pool in pools}) == 1


@pytest.mark.parametrize(("tensor", "kept"), [(1, "linear"), (2, "auto")])
def test_step_times_of_one_layout_are_not_taken_to_another(chat, tensor, kept):
    scenario = chat(cluster={"pools": [{**POOL, "latency": STEPS}]})
    other = on_hardware(scenario, EntrantSpec(hardware="nvidia-l4"), LayoutChoice(tensor, 1, 64), 4000)
    assert other.cluster.pools[0].latency.backend == kept


@pytest.mark.parametrize(("tensor", "kept"), [(1, "linear"), (2, "auto")])
def test_nor_to_a_layout_that_the_scenario_writes_out(chat, tensor, kept):
    size = {"parallelism": [{"tensor": tensor}]}
    (family,), _ = families_of(chat(cluster={"pools": [{**POOL, "latency": STEPS}]}, size=size))
    pool = family.unit.cluster.pools[0]
    assert pool.latency.backend == kept
    assert (pool.parallelism.tensor, pool.engine.max_num_seqs) == (tensor, 64)


def test_other_hardware_takes_over_no_price_and_no_step_times(chat):
    scenario = chat(cluster={"pools": [{**POOL, "latency": STEPS}]})
    other = on_hardware(scenario, EntrantSpec(hardware="nvidia-h100-sxm"), LayoutChoice(1, 1, 64), 4000)
    pool = other.cluster.pools[0]
    assert pool.price is None and pool.latency.backend == "auto"


@pytest.fixture
def own_l4(tmp_path: Path) -> str:
    """A profile with the id of a shipped one and another name."""
    shipped = (data_folder("hardware_profiles") / "nvidia-l4.yaml").read_text()
    path = tmp_path / "nvidia-l4.yaml"
    path.write_text(shipped.replace("name: NVIDIA L4", "name: My L4"))
    return str(path)


def test_two_profiles_with_one_id_are_refused_for_no_answer_could_tell_them_apart(chat, own_l4):
    both = ["nvidia-l4", own_l4]
    scenario = chat(cluster={"pools": [POOL]}, slo={"ttft": "1 s"}, size={"hardware": both})
    asked = FrontierSpec.model_validate({"hardware": both})
    for plan in (
        lambda: families_of(scenario),
        lambda: compare_hardware(scenario, entrants_of(scenario, both), jobs=1),
        lambda: designs_of(scenario, asked),
    ):
        with pytest.raises(InputError, match="two profiles with one id, 'nvidia-l4'"):
            plan()


def test_a_pool_that_names_its_own_model_serves_the_others_of_the_frontier_too(chat):
    pool = {**POOL, "hardware": "nvidia-h100-sxm", "model": {"card": "llama-3.1-8b", "weight_dtype": "fp8"}}
    asked = FrontierSpec.model_validate({"strategies": ["chain"], "models": ["llama-3.1-8b", "qwen3-8b"]})
    own, other = designs_of(chat(cluster={"pools": [pool]}), asked)
    served = [one.scenario.model_of(one.scenario.cluster.pools[0]) for one in (own, other)]
    assert [(model.card, model.weight_dtype) for model in served] == [
        ("llama-3.1-8b", "fp8"),
        ("qwen3-8b", "auto"),
    ]


def test_two_model_cards_with_one_id_are_refused_on_the_frontier(chat, tmp_path):
    shipped = (data_folder("model_cards") / "llama-3.1-8b.yaml").read_text()
    own = tmp_path / "llama-3.1-8b.yaml"
    own.write_text(shipped.replace("layers: 32", "layers: 16"))
    asked = FrontierSpec.model_validate({"models": ["llama-3.1-8b", str(own)], "strategies": ["chain"]})
    with pytest.raises(InputError, match=r"two model cards with one id, 'llama-3\.1-8b'"):
        designs_of(chat(cluster={"pools": [POOL]}), asked)


def test_the_same_hardware_may_stand_there_twice(chat):
    twice = [{"hardware": "nvidia-l4", "price": "1 USD/hour"}, "l4"]
    families, _ = families_of(chat(cluster={"pools": [POOL]}, size={"hardware": twice}))
    assert list(dict.fromkeys(family.hardware for family in families)) == ["nvidia-l4 (1 USD/h)", "nvidia-l4"]
    assert [family.pools[0].price for family in families[:: len(families) - 1]] == [1.0, 0.5]


def test_what_a_comparison_lists_is_not_taken_for_a_profile_of_ones_own(chat, own_l4):
    listed = {"hardware": [{"hardware": "nvidia-l4", "price": "1 USD/hour"}]}
    scenario = chat(cluster={"pools": [POOL]}, compare=listed)
    assert [one.price for one in entrants_of(scenario, ["l4", own_l4])] == [1.0, None]
