"""Predicted output lengths: as wrong as a scenario says."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.engine.length_prediction import LengthPredictor
from simulator.engine.pool import Pool, PoolPlan, Role
from simulator.engine.request import Request
from simulator.engine.timing import NsEnvironment
from simulator.latency.linear import LinearPricer
from simulator.scenario.backend import LinearBackendSpec
from tests.engine.steps import STEP_NS, request, settings


def order_of_ending(error: float, role: Role = "unified") -> list[int]:
    """Fifteen requests that come at once, each with a shorter output than the one before it, and one seat."""
    env = NsEnvironment()
    pricer = LinearPricer(LinearBackendSpec(base_ns=STEP_NS), None)
    engine = settings("shortest_job_first", max_num_seqs=1)
    plan = PoolPlan("main", engine, pricer, role=role, length_prediction_error=error)
    pool = Pool(env, plan, 0, np.random.default_rng(1))
    ended: list[Request] = []
    pool.ended = ended.append
    for index in range(15):
        pool.send(request(index, 10, 20 - index), pool.replicas[0])
    env.run()
    return [one.index for one in ended]


def test_predictions_are_off_by_the_error_asked_for() -> None:
    predictor = LengthPredictor(0.5, np.random.default_rng(1))
    errors = np.log([predictor.predict(200) / 200 for _ in range(20_000)])
    assert errors.mean() == pytest.approx(0.0, abs=0.02)
    assert errors.std() == pytest.approx(0.5, abs=0.02)


def test_without_error_the_truly_shortest_comes_first() -> None:
    assert order_of_ending(0.0) == list(range(14, -1, -1))


def test_a_pool_predicts_the_lengths_of_what_it_is_sent() -> None:
    order = order_of_ending(2.0)
    assert sorted(order) == list(range(15))
    assert order != order_of_ending(0.0)


def test_a_prefill_pool_has_nothing_to_predict() -> None:
    assert order_of_ending(2.0, "prefill") == order_of_ending(0.0, "prefill")
