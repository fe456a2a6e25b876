"""What the cluster cases measure."""

from __future__ import annotations

import pytest

from benchmarks.cases import cluster
from simulator.scenario.loading import load_scenario


def test_an_exponent_is_that_of_a_power_law():
    assert cluster.exponent(3.0, 3.0 * 4**1.5, (10, 40)) == pytest.approx(1.5)


def test_every_replica_gets_the_same_rate_and_nothing_is_cached():
    scenario = load_scenario(cluster.conversations(1000, 250))
    assert scenario.workload.arrivals.rate == 250 * cluster.RATE_PER_REPLICA
    assert scenario.requests == 1000
    (pool,) = scenario.cluster.pools
    assert (pool.replicas, pool.engine.enable_prefix_caching) == (250, False)
    assert scenario.cluster.router.policy == "least_outstanding"


def test_time_is_that_of_a_run():
    assert 0.0 < cluster.served_s(50, 2) < 30.0
