"""Jumping over uneventful steps is an optimisation: every recorded number stays as it is."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

import numpy as np
import pytest

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
