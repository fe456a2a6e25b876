"""The scenario that stands for the same question on other hardware, or in another layout."""

from __future__ import annotations

import pytest

from simulator.hardware.catalogue import load_device
from simulator.planning.designs import layouts_on, on_hardware
from simulator.planning.frontier.designs import designs_of
from simulator.planning.layouts import LayoutChoice
from simulator.planning.lengths import lengths_of
from simulator.planning.size.families import families_of
from simulator.scenario.compare import EntrantSpec
from simulator.scenario.frontier import FrontierSpec

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
