"""Inter-token latencies are the gaps between the tokens that clients get, one fewer than tokens."""

from __future__ import annotations

import pytest

from tests.simulation.scenarios import SMALL, run


@pytest.mark.parametrize(
    "engine",
    [
        {"async_scheduling": True},
        {"async_scheduling": False},
        {"async_scheduling": True, "scheduling_policy": "priority"},
        {"async_scheduling": False, "scheduling_policy": "priority"},
    ],
    ids=["asynchronous", "synchronous", "listed, asynchronous", "listed, synchronous"],
)
@pytest.mark.parametrize("ignore_eos", [False, True], ids=["stop tokens", "to the limit"])
def test_gaps_are_between_tokens_that_somebody_gets(engine, ignore_eos):
    changes = {f"cluster__pools__0__engine__{key}": value for key, value in engine.items()}
    recording = run(SMALL, warmup="0 s", workload__ignore_eos=ignore_eos, **changes).recording
    requests, gaps = recording.requests, recording.pools[0].inter_token
    assert not requests.preemptions.any()
    assert gaps.total == gaps.count.sum() == (requests.output_tokens - 1).sum()
    assert gaps.sum_ns == (requests.finish_ns - requests.first_token_ns).sum()
