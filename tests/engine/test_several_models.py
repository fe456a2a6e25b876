"""Several models and tenants in one cluster."""

from __future__ import annotations

import pytest

from simulator.engine.link import LinkPlan
from simulator.engine.tenant import TenantPlan
from simulator.errors import InputError
from simulator.results.conservation import check_conservation
from tests.engine.clusters import MS, cluster, evenly, pool, request, run, settings


def of_tenants(requests, tenants):
    for one in requests:
        one.tenant = one.index % tenants
    return requests


def test_a_request_goes_to_the_pools_of_its_model():
    target = cluster(
        pool("small", replicas=2, model="a"),
        pool("large", replicas=2, model="b"),
        tenants=(TenantPlan("x", model="a"), TenantPlan("y", model="b")),
        policy="least_outstanding",
    )
    ended = run(target, of_tenants(evenly(60, gap_ns=3 * MS), 2))
    assert {(r.tenant, r.pool) for r in ended} == {(0, 0), (1, 1)}
    assert target.recording().requests.tenant.tolist() == [r.tenant for r in ended]


def test_tenants_share_pools_or_have_pools_of_their_own():
    """The premium tenant may use both pools: its router sees what the other sends to the shared one."""
    target = cluster(
        pool("shared", replicas=1),
        pool("own", replicas=1),
        tenants=(TenantPlan("basic", pools=("shared",)), TenantPlan("premium")),
        policy="least_outstanding",
    )
    busy = [request(2 * i, output=200) for i in range(5)]
    premium = [request(2 * i + 1, arrival_ns=MS, output=5) for i in range(4)]
    ended = run(target, of_tenants([*busy, *premium], 2))
    assert {r.pool for r in ended if r.tenant == 0} == {0}
    assert {r.pool for r in ended if r.tenant == 1} == {1}


def test_each_model_has_its_own_prefill_and_decode_pools():
    target = cluster(
        *(
            pool(f"{role}-{model}", role=role, model=model, kv_bytes_per_token=1e3)
            for model in "ab"
            for role in ("prefill", "decode")
        ),
        pool("unified-a", model="a"),
        tenants=(TenantPlan("x", model="a"), TenantPlan("y", model="b")),
        link=LinkPlan(1e9),
    )
    ended = run(target, of_tenants(evenly(80, gap_ns=5 * MS), 2))
    check_conservation(target.recording())
    assert {r.pool for r in ended if r.tenant == 0} == {1, 4}
    assert {r.pool for r in ended if r.tenant == 1} == {3}


def test_lengths_are_limited_by_the_pools_of_the_tenant():
    target = cluster(
        pool("small", model="a", settings=settings(max_model_len=200)),
        pool("large", model="b"),
        tenants=(TenantPlan("x", model="a"), TenantPlan("y", model="b")),
    )
    fits = request(0, prompt=500)
    fits.tenant = 1
    target.submit(fits)
    with pytest.raises(InputError, match="pool 'small' is 200"):
        target.submit(request(1, prompt=500))
