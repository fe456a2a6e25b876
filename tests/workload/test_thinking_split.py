"""Thinking before the answer."""

from __future__ import annotations

import numpy as np
import pytest

ANSWER = {"distribution": "fixed", "tokens": 100}
CHAIN = {"distribution": "lognormal", "median": 800, "sigma": 1.0}


def test_thinking_comes_on_top_of_the_answer(make):
    traffic = make(5000, output_tokens=ANSWER, thinking={"tokens": CHAIN})
    assert np.all(traffic.output_tokens - traffic.thinking_tokens == 100)
    assert np.median(traffic.thinking_tokens) == pytest.approx(800, rel=0.05)


def test_a_cap_gathers_long_chains_and_loops_run_into_it(make):
    short = {"distribution": "uniform", "low": 10, "high": 20}
    traffic = make(20_000, output_tokens=ANSWER, thinking={"tokens": short, "cap": 4000, "loops": 0.1})
    assert set(np.unique(traffic.thinking_tokens)) == {*range(10, 21), 4000}
    assert np.mean(traffic.thinking_tokens == 4000) == pytest.approx(0.1, abs=0.01)


def test_a_share_splits_the_output_and_leaves_an_answer(make):
    whole = {"distribution": "uniform", "low": 1, "high": 1000}
    traffic = make(20_000, output_tokens=whole, thinking={"shares": [0, 0, 0, 1]})
    plain = make(20_000, output_tokens=whole)
    assert np.array_equal(traffic.output_tokens, plain.output_tokens)
    assert np.all(traffic.thinking_tokens < traffic.output_tokens)
    long = traffic.output_tokens > 100
    share = traffic.thinking_tokens[long] / traffic.output_tokens[long]
    assert share.min() >= 0.74
    assert share.mean() == pytest.approx(0.875, abs=0.01)
