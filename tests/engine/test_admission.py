"""Admission control: who is let in, who waits at the gateway, who is turned away."""

from __future__ import annotations

from collections import Counter

from simulator.engine.admission import Limits
from simulator.engine.clients import ClientPlan
from simulator.engine.tenant import TenantPlan
from simulator.results.conservation import check_conservation
from simulator.results.recording import STATUSES
from tests.engine.clusters import MS, STEP_NS, cluster, evenly, pool, request, run, settings

ONE = (TenantPlan(),)


def served(requests, limits=None, tenants=ONE, **plan):
    target = cluster(limits=limits, tenants=tenants, **plan)
    ended = run(target, requests)
    recording = target.recording()
    check_conservation(recording)
    assert recording.unfinished == 0
    assert len(recording.requests.request) == len(ended) == recording.requests.request.max() + 1
    return {r.index: r for r in ended}, Counter(STATUSES[s] for s in recording.requests.status)


def test_what_exceeds_the_limit_is_shed_at_once():
    ended, counts = served([request(i, output=20) for i in range(10)], Limits(outstanding=4))
    assert counts == {"finished": 4, "shed": 6}
    assert {r.finish_ns for r in ended.values() if r.finish_reason == "shed"} == {0}


def test_a_queue_holds_what_will_be_let_in_later_and_its_time_counts():
    ended, counts = served([request(i, output=20) for i in range(10)], Limits(outstanding=4, queue=3))
    assert counts == {"finished": 7, "shed": 3}
    waited = [r for r in ended.values() if r.first_scheduled_ns > 0 and r.finish_reason != "shed"]
    assert len(waited) == 3 and all(r.arrival_ns == 0 for r in waited)


def test_both_queues_bound_what_both_limits_hold_back():
    for tenant, overall in ((2, 5), (5, 2)):
        plan = TenantPlan(limits=Limits(outstanding=4, queue=tenant))
        requests = [request(i, output=20) for i in range(12)]
        _, counts = served(requests, Limits(outstanding=4, queue=overall), (plan,))
        assert counts == {"finished": 6, "shed": 6}


def test_a_queue_bounds_what_waits_behind_a_large_one():
    requests = [request(0, prompt=100, output=60), request(1, prompt=900), *(request(i) for i in range(2, 8))]
    _, counts = served(requests, Limits(tokens=500, queue=3))
    assert counts == {"finished": 4, "shed": 4}


def test_tokens_can_be_limited():
    _, counts = served([request(i, prompt=100, output=20) for i in range(10)], Limits(tokens=500))
    assert counts == {"finished": 4, "shed": 6}


def test_a_request_above_the_limit_of_tokens_goes_alone():
    _, counts = served([request(0, prompt=900)], Limits(tokens=500))
    assert counts == {"finished": 1}


def test_who_waits_too_long_at_the_gateway_is_shed():
    ended, counts = served(
        [request(i, output=50) for i in range(3)], Limits(outstanding=1, queue=9, queue_ns=100 * MS)
    )
    assert counts == {"finished": 1, "shed": 2}
    assert ended[2].finish_ns == 100 * MS


def test_a_rate_is_a_token_bucket():
    _, counts = served(evenly(100, gap_ns=10 * MS), Limits(rate=50.0, burst=5))
    # 990 ms at 50/s, and the five that it held at first.
    assert counts["finished"] == 5 + 49


def test_the_urgent_are_let_in_first():
    tenants = (TenantPlan("batch"), TenantPlan("chat"))
    requests = [request(i, priority=10, output=20) for i in range(6)]
    urgent = request(6, priority=0, arrival_ns=MS)
    urgent.tenant = 1
    ended, _ = served([*requests, urgent], Limits(outstanding=1, queue=100), tenants)
    order = sorted(ended.values(), key=lambda r: r.finish_ns)
    assert [r.index for r in order][:2] == [0, 6]


def test_a_tenant_at_its_limit_holds_up_nobody_else():
    tenants = (TenantPlan("batch", limits=Limits(outstanding=2, queue=100)), TenantPlan("chat"))
    requests = [request(i, output=100) for i in range(6)]
    other = request(6, arrival_ns=MS, output=3)
    other.tenant = 1
    ended, counts = served([*requests, other], None, tenants)
    assert counts == {"finished": 7}
    assert ended[6].first_scheduled_ns < ended[2].first_scheduled_ns


def test_a_client_may_give_up_in_the_queue():
    patient = TenantPlan(client=ClientPlan(timeout_ns=60 * MS))
    ended, counts = served(
        [request(0, output=4), request(1, output=40)], Limits(outstanding=1, queue=5), (patient,)
    )
    assert counts == {"finished": 1, "timed_out": 1}
    assert ended[1].outputs < 40


def test_a_large_one_that_gives_up_no_longer_holds_up_its_followers():
    impatient = TenantPlan("chat", client=ClientPlan(timeout_ns=60 * MS))
    for limits, client in (
        (Limits(tokens=500, queue=9, queue_ns=60 * MS), TenantPlan("chat")),
        (Limits(tokens=500, queue=9), impatient),
    ):
        large, follower = request(1, prompt=900, arrival_ns=MS), request(2, output=2, arrival_ns=30 * MS)
        first = request(0, output=100)
        large.tenant = follower.tenant = 1
        ended, _ = served([first, large, follower], limits, (TenantPlan("batch"), client))
        assert ended[1].finish_reason != "stop"
        assert 60 * MS <= ended[2].first_scheduled_ns < ended[0].finish_ns


def test_what_was_shed_is_sent_again_by_patient_clients():
    client = ClientPlan(retries=20, backoff_ns=5 * STEP_NS, jitter=0.5)
    ended, counts = served(
        [request(i, output=10) for i in range(12)], Limits(outstanding=4), (TenantPlan(client=client),)
    )
    assert counts == {"finished": 12}
    assert max(r.attempts for r in ended.values()) > 1


def test_what_no_replica_can_hold_is_refused_where_that_is_asked_for():
    own = settings(max_model_len=200)
    target = cluster(pool(settings=own), refuses=True)
    run(target, [request(0), request(1, prompt=500)])
    recording = target.recording()
    check_conservation(recording)
    assert [STATUSES[s] for s in recording.requests.status] == ["refused", "finished"]
