"""Arrival processes have the rate and the burstiness they promise."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.workload.arrivals.modulated import stationary


def gaps_s(traffic):
    return np.diff(traffic.arrival_ns) / 1e9


def dispersion(traffic, width_s):
    """Variance over mean of the number of arrivals in consecutive bins."""
    bins = traffic.arrival_ns // int(width_s * 1e9)
    counts = np.bincount(bins)[:-1]
    return counts.var(ddof=1) / counts.mean()


def test_poisson_gaps_are_exponential(make):
    gaps = gaps_s(make(50_000, arrivals={"process": "poisson", "rate": "4 /s"}))
    assert gaps.mean() == pytest.approx(0.25, rel=0.02)
    assert gaps.std() / gaps.mean() == pytest.approx(1.0, rel=0.02)
    assert np.mean(gaps > 0.25) == pytest.approx(np.exp(-1), abs=0.01)


@pytest.mark.parametrize("burstiness", [0.25, 1.0, 4.0])
def test_burstiness_is_the_gamma_shape_of_vllm_bench(make, burstiness):
    gaps = gaps_s(make(50_000, arrivals={"process": "gamma", "rate": "4 /s", "burstiness": burstiness}))
    assert gaps.mean() == pytest.approx(0.25, rel=0.03)
    assert gaps.std() / gaps.mean() == pytest.approx(1 / np.sqrt(burstiness), rel=0.03)


def test_weibull_gaps_have_the_asked_mean(make):
    gaps = gaps_s(make(50_000, arrivals={"process": "weibull", "rate": "4 /s", "shape": 0.5}))
    assert gaps.mean() == pytest.approx(0.25, rel=0.05)
    assert gaps.std() / gaps.mean() == pytest.approx(np.sqrt(5), rel=0.1)


def test_constant_arrivals_never_drift(make):
    times = make(30_000, arrivals={"process": "constant", "rate": "3 /s"}).arrival_ns
    assert times[0] == 0
    assert abs(times[-1] - round(29_999 / 3 * 1e9)) <= 1


def test_a_closed_loop_leaves_the_times_to_the_cluster(make):
    assert not make(100, arrivals={"process": "closed_loop", "concurrency": 4}).arrival_ns.any()


def test_a_modulated_process_with_equal_rates_is_poisson(make):
    traffic = make(
        50_000,
        arrivals={
            "process": "mmpp",
            "rates": ["10 /s", "10 /s"],
            "transition": [[0.9, 0.1], [0.2, 0.8]],
            "step": "1 s",
        },
    )
    assert gaps_s(traffic).mean() == pytest.approx(0.1, rel=0.02)
    assert dispersion(traffic, 10) == pytest.approx(1.0, abs=0.15)


MMPP = {
    "process": "mmpp",
    "rates": ["0 /s", "20 /s"],
    "transition": [[0.95, 0.05], [0.15, 0.85]],
    "step": "1 s",
}


def test_a_hidden_chain_makes_bursts_that_poisson_lacks(make):
    """Rate 5 /s on average; its variance is 75 /s^2 with correlation 0.8 from second to second."""
    traffic = make(200_000, arrivals=MMPP)
    expected_1s = 1 + 75 / 5
    lags = sum((10 - k) * 0.8**k for k in range(1, 10))
    expected_10s = 1 + 75 * (10 + 2 * lags) / 50
    assert len(traffic) / (traffic.arrival_ns[-1] / 1e9) == pytest.approx(5.0, rel=0.06)
    assert dispersion(traffic, 1) == pytest.approx(expected_1s, rel=0.05)
    assert dispersion(traffic, 10) == pytest.approx(expected_10s, rel=0.08)


def test_the_mean_rate_of_a_chain_can_be_set(make):
    traffic = make(1_500_000, arrivals=MMPP | {"rate": "50 /s"})
    assert len(traffic) / (traffic.arrival_ns[-1] / 1e9) == pytest.approx(50.0, rel=0.08)


def test_stationary_shares_are_kept_by_a_step_of_the_chain():
    transition = np.array([[0.5, 0.5, 0.0], [0.1, 0.8, 0.1], [0.3, 0.0, 0.7]])
    shares = stationary(transition)
    assert shares.sum() == pytest.approx(1.0)
    assert shares @ transition == pytest.approx(shares)


def test_a_chain_that_ends_without_arrivals_is_refused(make):
    dead_end = MMPP | {"transition": [[1.0, 0.0], [0.5, 0.5]]}
    with pytest.raises(InputError, match="without arrivals"):
        make(10, arrivals=dead_end)


def test_a_wandering_rate_keeps_its_mean(make):
    wandering = {"process": "log_ar1", "rate": "8 /s", "log_sigma": 0.5, "ar1": 0.5, "step": "5 s"}
    traffic = make(200_000, arrivals=wandering)
    assert len(traffic) / (traffic.arrival_ns[-1] / 1e9) == pytest.approx(8.0, rel=0.03)
    variance = 64 * (np.exp(0.25) - 1)
    assert dispersion(traffic, 5) == pytest.approx(1 + variance * 5 / 8, rel=0.1)


def test_a_timetable_repeats(make):
    stages = {"process": "scheduled", "rate": "100 /s", "factors": [0, 1, 3], "step": "10 s"}
    times = make(None, duration_s=300, arrivals=stages).arrival_ns
    stage = (times // 10_000_000_000) % 3
    assert np.count_nonzero(stage == 0) == 0
    assert np.count_nonzero(stage == 2) / np.count_nonzero(stage == 1) == pytest.approx(3.0, rel=0.05)
    assert len(times) == pytest.approx(40_000, rel=0.03)


def test_a_rate_near_zero_is_refused_and_not_looped_over(make):
    with pytest.raises(InputError, match="146 years"):
        make(10, arrivals={"process": "poisson", "rate": "1e-9 /s"})
