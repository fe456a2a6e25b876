"""Differences request by request, with intervals."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.planning.paired import _difference, paired_differences
from simulator.simulation import run_scenario
from tests.results.recordings import context, one_server, result


def test_a_result_does_not_differ_from_itself(chat):
    one = run_scenario(chat())
    for difference in paired_differences(one, one):
        assert (difference.mean, difference.low, difference.high) == (0.0, 0.0, 0.0)
        assert not difference.significant


def test_the_mean_difference_is_the_difference_of_the_means(chat):
    fast, slow = run_scenario(chat()), run_scenario(chat(hardware="nvidia-l4"))
    by_metric = {difference.metric: difference for difference in paired_differences(fast, slow)}
    means = [one.summary.latency.ttft.mean for one in (fast, slow)]
    assert by_metric["TTFT"].mean == pytest.approx(means[1] - means[0])
    assert by_metric["TPOT"].significant
    assert by_metric["TPOT"].low < by_metric["TPOT"].mean < by_metric["TPOT"].high


def test_other_traffic_is_not_compared(chat):
    one, other = run_scenario(chat()), run_scenario(chat(seed=1))
    assert paired_differences(one, other) is None


def test_intervals_hold_the_true_difference_as_often_as_they_say():
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(200):
        noise = rng.normal(5.0, 2.0, 400)

        found = _difference("TTFT", noise)
        held += found.low <= 5.0 <= found.high
    assert 180 <= held <= 199


def test_few_requests_have_a_difference_but_no_interval():
    few = result(one_server(np.arange(5.0)), context())
    (ttft, *_) = paired_differences(few, few)
    assert ttft.mean == 0.0
    assert ttft.low is None
