"""Routers: what each policy promises."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.engine.routing import ROUTERS, LeastOutstanding, RandomChoice, RoundRobin
from simulator.scenario.routing import AnyRouterSpec
from tests.engine.clusters import cluster, evenly, pool, request, run

#: As scenarios name them.
POLICIES = sorted(spec.model_fields["policy"].default for spec in ROUTERS)


#: Those that prefer a replica while the cluster has nothing to do.
ONE_SIDED = ("kv_load", "slo_aware")


class Server:
    """Stands in for a replica; routers only tell them apart."""


def router(policy, servers):
    return policy(servers, np.random.default_rng(7))


def test_every_policy_of_the_schema_has_a_router_and_the_other_way_round():
    assert set(get_args(AnyRouterSpec)) == set(ROUTERS)


def test_round_robin_takes_turns():
    servers = [Server() for _ in range(3)]
    one = router(RoundRobin, servers)
    assert [one.choose(request(i)) for i in range(7)] == [servers[i % 3] for i in range(7)]


def test_random_spreads_evenly_without_a_pattern():
    servers = [Server() for _ in range(4)]
    one = router(RandomChoice, servers)
    chosen = [servers.index(one.choose(request(i))) for i in range(8000)]
    counts = np.bincount(chosen, minlength=4)
    assert ((counts - 2000) ** 2 / 2000).sum() < 16.27  # chi-squared, 3 degrees of freedom, 0.1 %
    pairs = Counter(pairwise(chosen))
    expected = 7999 / 16
    assert sum((pairs[i, j] - expected) ** 2 / expected for i in range(4) for j in range(4)) < 37.70


@given(st.integers(1, 6), st.lists(st.booleans(), max_size=80), st.randoms(use_true_random=False))
def test_least_outstanding_always_takes_one_of_the_least_loaded(servers, arrivals, random):
    replicas = [Server() for _ in range(servers)]
    one = router(LeastOutstanding, replicas)
    load = dict.fromkeys(replicas, 0)
    under_way = []
    for arrives in arrivals:
        if arrives or not under_way:
            chosen = one.choose(request(0))
            assert load[chosen] == min(load.values())
            one.sent(chosen, request(0))
            load[chosen] += 1
            under_way.append(chosen)
        else:
            left = under_way.pop(random.randrange(len(under_way)))
            load[left] -= 1
            one.ended(left, request(0))


def test_least_outstanding_uses_an_idle_cluster_evenly():
    servers = [Server() for _ in range(3)]
    one = router(LeastOutstanding, servers)
    chosen = []
    for i in range(6):
        chosen.append(one.choose(request(i)))
        one.sent(chosen[-1], request(i))
        one.ended(chosen[-1], request(i))
    assert Counter(chosen) == dict.fromkeys(servers, 2)


@pytest.mark.parametrize("policy", POLICIES)
def test_all_replicas_of_all_unified_pools_share_the_load(policy):
    target = cluster(pool("a", replicas=2), pool("b", replicas=3), policy=policy)
    ended = run(target, evenly(100, gap_ns=20_000_000))
    served = Counter((r.pool, r.replica) for r in ended)
    if policy not in ONE_SIDED:
        assert set(served) == {(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)}
    assert sum(served.values()) == 100
    if policy in ("round_robin", "least_outstanding", "least_outstanding_tokens", "prefix_aware"):
        assert set(served.values()) == {20}


def test_least_outstanding_avoids_the_replica_that_is_stuck():
    target = cluster(pool(replicas=2), policy="least_outstanding")
    stuck = request(0, prompt=100, output=500)
    ended = run(target, [stuck, *(request(i, i * 100_000_000, output=2) for i in range(1, 10))])
    short = [r.replica for r in ended if r is not stuck]
    assert short == [1 - stuck.replica] * 9
