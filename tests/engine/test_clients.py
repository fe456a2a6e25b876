"""Clients that give up after a while, and try again."""

from __future__ import annotations

from collections import Counter

import pytest

from simulator.engine.clients import ClientPlan
from simulator.engine.tenant import TenantPlan
from simulator.results.conservation import check_conservation
from simulator.results.recording import STATUSES
from tests.engine.clusters import MS, STEP_NS, cluster, evenly, pool, request, run, settings

#: A prompt of 100 tokens and the first of its outputs.
FIRST_NS = STEP_NS + 100 * 10_000


def served(client, requests, *, jumping=True, asynchronous=False, **plan):
    own = settings(max_num_seqs=plan.pop("seats", 16), async_scheduling=asynchronous)
    target = cluster(
        pool(settings=own, **plan), tenants=(TenantPlan(client=ClientPlan(**client)),), jumping=jumping
    )
    ended = run(target, requests)
    recording = target.recording()
    check_conservation(recording)
    assert recording.unfinished == 0
    return ended, recording


def statuses(recording):
    return Counter(STATUSES[status] for status in recording.requests.status)


def test_a_client_gives_up_and_the_engine_drops_its_request():
    (slow, _), recording = served({"timeout_ns": 100 * MS}, [request(0, output=50), request(1, output=2)])
    assert statuses(recording) == {"timed_out": 1, "finished": 1}
    assert slow.index == 1  # the quick one ends first
    row = recording.requests.request.tolist().index(0)
    assert 100 * MS <= recording.requests.finish_ns[row] <= 100 * MS + STEP_NS + FIRST_NS


def test_it_may_give_up_for_want_of_a_first_token_alone():
    client = {"first_token_ns": 30 * MS}
    ended, recording = served(client, [request(0, output=20), request(1, output=20)], seats=1)
    assert statuses(recording) == {"timed_out": 1, "finished": 1}
    assert {r.index: r.outputs for r in ended} == {0: 20, 1: 0}


def test_it_tries_again_after_a_while_and_starts_from_nothing():
    client = {"first_token_ns": 30 * MS, "retries": 3, "backoff_ns": 100 * MS, "jitter": 0.0, "factor": 2.0}
    _, recording = served(client, [request(0, output=30), request(1, output=5)], seats=1)
    requests = recording.requests
    row = requests.request.tolist().index(1)
    assert statuses(recording) == {"finished": 2}
    # Sent at 0, given up at 30 (dropped at the end of a step, 31); sent at 131, given up; sent at 361 or so.
    assert requests.attempts[row] == 3
    assert requests.arrival_ns[row] == 0
    assert 361 * MS <= requests.first_token_ns[row] <= 380 * MS
    assert requests.output_tokens[row] == 5


def test_waits_grow_by_the_factor_up_to_the_longest():
    client = {
        "first_token_ns": MS,
        "retries": 4,
        "backoff_ns": 10 * MS,
        "longest_backoff_ns": 25 * MS,
        "jitter": 0.0,
    }
    blocked, recording = served(
        client, [request(0, output=1, prompt=3000), request(1, arrival_ns=2 * MS)], seats=1
    )
    del blocked
    assert statuses(recording) == {"timed_out": 2}
    assert sorted(recording.requests.attempts.tolist()) == [5, 5]


def test_jitter_spreads_the_attempts():
    client = {"timeout_ns": 5 * MS, "retries": 1, "backoff_ns": 1000 * MS, "jitter": 1.0}
    ended, recording = served(client, [request(i) for i in range(50)])
    assert statuses(recording) == {"timed_out": 50}
    times = [r.finish_ns for r in ended]
    assert len(set(times)) > 25 and max(times) - min(times) > 500 * MS


def test_only_what_is_named_is_tried_again():
    client = {"timeout_ns": 20 * MS, "retries": 5, "retry_on": ("shed",)}
    _, recording = served(client, [request(0, output=20)])
    assert recording.requests.attempts.tolist() == [1]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_jumps_do_not_show(asynchronous):
    client = {"timeout_ns": 400 * MS, "first_token_ns": 120 * MS, "retries": 2, "backoff_ns": 50 * MS}
    rows = [
        served(
            client,
            evenly(60, gap_ns=9 * MS + 1, output=35),
            jumping=jumping,
            asynchronous=asynchronous,
            seats=8,
        )[1].requests
        for jumping in (True, False)
    ]
    assert len(set(rows[0].status.tolist())) > 1 and rows[0].attempts.max() > 1
    for name in rows[0].__slots__:
        assert (getattr(rows[0], name) == getattr(rows[1], name)).all(), name
