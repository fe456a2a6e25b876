"""The SLO-aware router: cheap replicas as long as they are in time, and none of equals is filled up first."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.engine.tenant import TenantPlan
from tests.engine.clusters import MS, cluster, pool, request, run, settings


def served(pools, requests, objective_ms=500):
    target = cluster(*pools, policy="slo_aware", tenants=(TenantPlan(first_token_ns=objective_ms * MS),))
    return {one.index: one for one in run(target, requests)}


def test_of_equals_none_is_filled_up_while_others_idle():
    requests = [request(i, i * 5 * MS, prompt=1000, output=40) for i in range(64)]
    ended = served([pool(replicas=4, settings=settings(max_model_len=2048))], requests)
    counts = np.bincount([one.replica for one in ended.values()], minlength=4)
    assert counts.max() - counts.min() <= 4


def test_the_cheap_pool_is_taken_as_long_as_it_is_in_time():
    cheap, dear = pool("cheap", usd_per_hour=1.0), pool("dear", usd_per_hour=2.0)
    """A prompt takes 20 ms, and two in one step 30 ms: a third would not be in time."""
    ended = served([cheap, dear], [request(i, prompt=1000) for i in range(3)], objective_ms=65)
    assert [ended[i].pool for i in range(3)] == [0, 0, 1]


@pytest.mark.parametrize("full", ["seats", "blocks"])
def test_a_full_replica_is_not_in_time_although_nobody_waits_there(full):
    """The first output is long, and takes all of what is scarce."""
    scarce = {"max_num_seqs": 1} if full == "seats" else {"num_gpu_blocks": 70}
    cheap = pool("cheap", usd_per_hour=1.0, settings=settings(max_model_len=1100, **scarce))
    dear = pool("dear", usd_per_hour=2.0, settings=settings(max_model_len=1100))
    requests = [request(0, prompt=1000, output=90), request(1, 200 * MS, prompt=1000)]
    ended = served([cheap, dear], requests)
    assert (ended[0].pool, ended[1].pool) == (0, 1)
