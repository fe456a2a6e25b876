"""Many clients together: a few send most, and each keeps its own randomness."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.scenario.workload.populations import ClientsSpec
from simulator.units.random_streams import RandomStreams
from simulator.workload.arrivals.clients import gaps_with_cv, population


def clients(**changes):
    return {"process": "clients", "rate": "50 /s", "clients": 40, **changes}


def test_clients_together_have_the_asked_rate(make):
    traffic = make(50_000, arrivals=clients(rate_sigma=2.0, cv=1.5, cv_sigma=0.5))
    assert traffic.arrival_ns[-1] / 1e9 == pytest.approx(1000, rel=0.05)
    assert np.all(np.diff(traffic.arrival_ns) >= 0)


@pytest.mark.parametrize("family", ["gamma", "weibull"])
@pytest.mark.parametrize("cv", [0.5, 1.0, 3.0])
def test_a_clients_gaps_have_the_coefficient_of_variation_it_is_given(family, cv):
    gaps = gaps_with_cv(family, cv, np.random.default_rng(1))(400_000)
    assert gaps.mean() == pytest.approx(1.0, rel=0.03)
    assert gaps.std() / gaps.mean() == pytest.approx(cv, rel=0.05)


def test_equal_poisson_clients_superpose_to_poisson(make):
    gaps = np.diff(make(50_000, arrivals=clients()).arrival_ns)
    assert gaps.std() / gaps.mean() == pytest.approx(1.0, rel=0.03)


def test_a_spread_of_rates_leaves_most_traffic_to_a_few():
    spec = ClientsSpec.model_validate(clients(clients=100, rate_sigma=1.83))
    rates = np.sort(population(spec, RandomStreams(3)).rates)[::-1]
    assert rates.sum() == pytest.approx(50.0)
    assert rates[:10].sum() > 0.5 * rates.sum()


def test_bursty_clients_make_bursty_traffic(make):
    def dispersion(cv):
        times = make(50_000, arrivals=clients(cv=cv, rate_sigma=1.5)).arrival_ns
        seen = np.bincount(times // 10_000_000_000)[:-1]
        return seen.var() / seen.mean()

    assert dispersion(1.0) < 1.5 < 3.0 < dispersion(4.0)
