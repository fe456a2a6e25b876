"""Jumping over uneventful steps is an optimisation: every recorded number stays as it is."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

import numpy as np
import pytest

from simulator.engine.cluster import Cluster
from simulator.engine.timing import NsEnvironment
from simulator.scenario.loading import load_scenario
from simulator.simulation.pools import prepare_pools
from simulator.simulation.run import cluster_plan
from simulator.units.random_streams import RandomStreams
from tests.simulation.scenarios import SMALL, run

#: Scenario and changes; between them every kind of pool, router, cache and loop.
CASES = {
    "one replica": (SMALL, {}),
    "synchronous": (SMALL, {"cluster__pools__0__engine__async_scheduling": False}),
    "several replicas": (SMALL, {"cluster__pools__0__replicas": 3, "record": "steps"}),
    "little memory": (
        SMALL,
        {"cluster__pools__0__engine__num_gpu_blocks": 400, "workload__arrivals__rate": "40 /s"},
    ),
    "outputs to the limit": (SMALL, {"workload__ignore_eos": True}),
    "shared prompts": (
        SMALL,
        {"workload__shared_prefix": {"tokens": {"distribution": "fixed", "tokens": 900}}},
    ),
    "small budget": (SMALL, {"cluster__pools__0__engine__max_num_batched_tokens": 256}),
    "list-walking engine": (SMALL, {"cluster__pools__0__engine__scheduling_policy": "priority"}),
    "closed loop": ("closed-loop-batch", {"requests": 300}),
    "prefill and decode": ("disaggregated-code", {"requests": 300}),
    "prefill and decode that fail": (
        "disaggregated-code",
        {
            "requests": 300,
            "cluster__failures": {"random": [{"component": "device", "mtbf": "30 s", "mttr": "5 s"}]},
        },
    ),
    "stages": (SMALL, {"cluster__pools__0__parallelism": {"pipeline": 4}}),
    "stages that fail": (
        SMALL,
        {
            "cluster__pools__0__parallelism": {"pipeline": 4},
            "cluster__pools__0__replicas": 2,
            "cluster__failures": {"random": [{"component": "device", "mtbf": "30 s", "mttr": "5 s"}]},
        },
    ),
    "thinking": ("reasoning-r1", {"requests": 120}),
    "static shapes": ("azure-conv-inferentia2", {"requests": 200}),
    "pipeline": ("azure-conv-groq", {"requests": 200}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_recording_is_bit_identical_without_jumps(case):
    scenario, changes = CASES[case]
    changes = {"warmup": "0 s", **changes}
    jumped = run(scenario, **changes)
    stepped = run(scenario, **changes, jumping=False)
    assert_identical(jumped.recording, stepped.recording)
    assert jumped.summary.to_dict() == stepped.summary.to_dict()


@pytest.mark.parametrize(
    "case", ["one replica", "synchronous", "little memory", "shared prompts", "pipeline"]
)
def test_nothing_changes_where_a_replica_does_not_know_when_the_next_request_comes(case, monkeypatch):
    scenario, changes = CASES[case]
    told = run(scenario, **changes)
    monkeypatch.setattr(Cluster, "sole_receiver", lambda self: None)
    assert_identical(told.recording, run(scenario, **changes).recording)


def test_a_replica_knows_its_next_request_only_where_nothing_comes_between():
    def receiver(changes=None):
        scenario = load_scenario(SMALL, changes or {})
        plan = cluster_plan(scenario, prepare_pools(scenario))
        return Cluster(NsEnvironment(), plan, RandomStreams(0)).sole_receiver()

    assert receiver() is not None
    assert receiver({"cluster.pools.0.replicas": 2}) is None
    assert receiver({"cluster.admission": {"max_outstanding": 10}}) is None


def test_the_little_memory_of_the_case_above_really_preempts():
    scenario, changes = CASES["little memory"]
    assert run(scenario, **changes).summary.preemptions > 0


def assert_identical(one, other, where="recording"):
    """Equal in every bit, NaN included."""
    if is_dataclass(one):
        for field in fields(one):
            assert_identical(getattr(one, field.name), getattr(other, field.name), f"{where}.{field.name}")
    elif isinstance(one, tuple):
        assert len(one) == len(other), where
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            assert_identical(left, right, f"{where}[{index}]")
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype and one.tobytes() == other.tobytes(), where
    else:
        assert one == other, where
