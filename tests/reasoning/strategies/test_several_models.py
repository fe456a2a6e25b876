"""Strategies over two models: who gets which call."""

from __future__ import annotations

import pytest

from simulator.errors import InputError
from simulator.results.conservation import check_conservation
from simulator.scenario.loading import load_scenario
from simulator.simulation import run_scenario

SMALL, LARGE = "llama-3.1-8b", "llama-3.1-70b"


def ran(**strategy):
    changes = {"reasoning.strategy": {"small": SMALL, "large": LARGE, **strategy}, "requests": 120}
    result = run_scenario(load_scenario("reasoning-cascade", changes))
    check_conservation(result.recording)
    return result


def calls(result):
    return result.requests.groupby("pool").size().reindex([0, 1], fill_value=0).tolist()


def test_a_cascade_tries_the_small_model_first_and_checks_it_there():
    result = ran(kind="cascade", escalate=0.3)
    small, large = calls(result)
    assert small == 2 * 120
    assert 0.15 * 120 < large < 0.45 * 120
    assert result.summary.tasks.answered == 120


def test_a_router_sends_each_task_to_one_model():
    small, large = calls(ran(kind="router", large_share=0.3))
    assert small + large == 120
    assert 0.15 * 120 < large < 0.45 * 120
    assert calls(ran(kind="router", large_share=1.0)) == [0, 120]


def test_a_verifier_may_be_another_model():
    verifier = {"kind": "discriminative", "model": LARGE}
    changes = {
        "reasoning.strategy": {"kind": "best_of_n", "samples": 2, "verifier": verifier},
        "requests": 20,
    }
    assert calls(run_scenario(load_scenario("reasoning-cascade", changes))) == [40, 40]


def test_a_model_that_no_pool_serves_is_refused():
    with pytest.raises(InputError, match="no pool serves model 'llama-3-8b'"):
        ran(kind="cascade", small="llama-3-8b")


def test_a_pool_that_nobody_calls_is_refused():
    with pytest.raises(InputError, match="nobody asks for model"):
        load_scenario("reasoning-cascade", {"reasoning.strategy": {"kind": "chain"}})
