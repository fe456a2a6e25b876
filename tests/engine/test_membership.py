"""Replicas that join, are drained and are killed while requests are with them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from simulator.engine.link import LinkPlan
from simulator.engine.request import NEVER
from simulator.engine.timing import Appointment
from simulator.results.conservation import check_conservation
from simulator.results.recording import STATUSES
from tests.engine.clusters import MS, STEP_NS, cluster, evenly, pool, request, run, settings
from tests.engine.test_routing import ONE_SIDED, POLICIES


def at(target, time_ns, then):
    Appointment(target.env, time_ns, lambda _: then())


def replace(target, replica):
    """Kill a replica and send what it had again."""
    for lost in target.kill(replica):
        target.again(lost)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_replica_that_joins_gets_its_share(policy):
    target = cluster(pool(replicas=1), policy=policy)
    at(target, 500 * MS, lambda: target.add(target.pools[0]))
    ended = run(target, evenly(200, gap_ns=20 * MS))
    assert Counter(r.replica for r in ended)[1] > (0 if policy in ONE_SIDED else 30)
    assert len(ended) == 200


@pytest.mark.parametrize("policy", POLICIES)
def test_a_drained_replica_ends_what_it_has_and_gets_nothing_more(policy):
    target = cluster(pool(replicas=2), policy=policy)
    empty = []
    second = target.pools[0].replicas[1]
    at(target, 1000 * MS, lambda: target.drain(second, lambda r: empty.append(target.env.now)))
    ended = run(target, evenly(100, gap_ns=20 * MS, output=30))
    there = [r for r in ended if r.replica == 1]
    assert there and all(r.arrival_ns <= 1000 * MS for r in there)
    assert empty == [max(r.finish_ns for r in there)]
    assert {r.preemptions for r in ended} == {0}


def test_an_empty_replica_is_drained_at_once():
    target = cluster(pool(replicas=2))
    gone = []
    target.drain(target.pools[0].replicas[0], gone.append)
    assert gone == [target.pools[0].replicas[0]]


def test_a_killed_replicas_requests_keep_their_tokens_and_are_computed_again_elsewhere():
    target = cluster(pool(replicas=2), keep_steps=True)
    first = target.pools[0].replicas[0]
    kill_ns = STEP_NS + 100 * 10_000 + 3 * STEP_NS + STEP_NS // 2  # four tokens are out
    lost = []
    at(target, kill_ns, lambda: lost.extend(target.kill(first)))
    at(target, kill_ns, lambda: [target.again(r) for r in lost])
    (only,) = run(target, [request(0, output=10)])
    assert [r.outputs for r in lost] == [10]
    assert (only.replica, only.first_token_ns) == (1, STEP_NS + 100 * 10_000)
    # 104 known tokens are computed again, which gives the fifth token; five more steps follow.
    assert only.finish_ns == kill_ns + STEP_NS + 104 * 10_000 + 5 * STEP_NS
    check_conservation(target.recording())


def test_a_request_waits_where_nobody_is_in_service_and_goes_on_when_somebody_is():
    target = cluster(pool(replicas=1))
    target.drain(target.pools[0].replicas[0])
    at(target, 300 * MS, lambda: target.add(target.pools[0]))
    (only,) = run(target, [request(0)])
    assert (only.arrival_ns, only.first_scheduled_ns, only.replica) == (0, 300 * MS, 1)


def test_a_lost_request_can_end_as_failed():
    target = cluster(pool(replicas=2))

    def fail():
        for lost in target.kill(target.pools[0].replicas[0]):
            target.gateway.end(lost, "failed")

    at(target, 36 * MS, fail)
    run(target, [request(i, output=20) for i in range(10)])
    recording = target.recording()
    check_conservation(recording)
    assert Counter(STATUSES[s] for s in recording.requests.status) == {"finished": 5, "failed": 5}
    failed = recording.requests.status == STATUSES.index("failed")
    assert (recording.requests.finish_ns[failed] == 36 * MS).all()
    assert (recording.requests.output_tokens[failed] == 3).all()


def gaps_of(recording):
    """Inter-token latencies of all pools, how many and their sum [ns]; and the same of all requests."""
    histograms = [pool.inter_token for pool in recording.pools]
    assert all(one.total == one.count.sum() and one.count.min() >= 0 for one in histograms)
    requests = recording.requests
    between = int((requests.finish_ns - requests.first_token_ns).sum())
    found = sum(one.total for one in histograms), sum(one.sum_ns for one in histograms)
    return found, (int((requests.output_tokens - 1).sum()), between)


def test_the_wait_for_the_token_after_a_loss_is_an_inter_token_latency():
    """Counted from the loss: 104 known tokens are computed again elsewhere."""
    target = cluster(pool(replicas=2))
    first = target.pools[0].replicas[0]
    kill_ns = STEP_NS + 100 * 10_000 + 3 * STEP_NS + STEP_NS // 2  # four tokens are out
    at(target, kill_ns, lambda: [target.again(r) for r in target.kill(first)])
    (only,) = run(target, [request(0, output=10)])
    (count, sum_ns), (expected, between_ns) = gaps_of(target.recording())
    assert count == expected == 9
    assert sum_ns == between_ns - STEP_NS // 2  # less the part of a step before the loss
    longest = target.recording().pools[0].inter_token
    (last,) = np.flatnonzero(longest.count == 1)
    assert longest.lowest_ns * longest.ratio**last == pytest.approx(STEP_NS + 104 * 10_000, rel=0.01)
    assert only.first_answer_ns == only.first_token_ns == STEP_NS + 100 * 10_000


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("jumping", [False, True])
@pytest.mark.parametrize("roles", [("unified",), ("prefill", "decode"), ("unified", "prefill", "decode")])
def test_every_token_after_the_first_has_its_gap_although_replicas_are_lost(roles, jumping, asynchronous):
    """Replicas of every role die one after the other, some under requests that were lost before."""
    own = settings(async_scheduling=asynchronous)
    pools = [pool(role, role=role, replicas=6, settings=own, kv_bytes_per_token=1e3) for role in roles]
    target = cluster(*pools, policy="least_outstanding", link=LinkPlan(1e6, 1000), jumping=jumping)
    lost = []

    def kill(number, replica):
        mine = target.kill(target.pools[number].replicas[replica])
        lost.extend(mine)
        for one in mine:
            target.again(one)

    for replica in range(4):
        for number in range(len(roles)):
            at(target, (100 + 31 * replica + 11 * number) * MS, lambda n=number, r=replica: kill(n, r))
    ended = run(target, [request(i, 3 * i * MS, output=3 + i % 30) for i in range(120)])
    recording = target.recording()
    check_conservation(recording)
    assert len(ended) == 120 and len(lost) > 20
    (count, sum_ns), (expected, between_ns) = gaps_of(recording)
    assert count == expected
    step_ns = STEP_NS + 2000 * 10_000  # the longest that there are
    assert between_ns - len(lost) * step_ns < sum_ns <= between_ns


def test_first_tokens_are_the_clients_where_a_lost_output_never_goes_on():
    """One gives up while it is computed again, one's second replica dies with it."""
    target = cluster(pool(replicas=3))
    replicas = target.pools[0].replicas

    def again():
        for one in target.kill(replicas[0]):
            target.again(one)

    at(target, 40 * MS, again)
    at(target, 42 * MS, lambda: requests[0].place.abort(requests[0]))
    at(target, 45 * MS, lambda: [target.gateway.end(one, "failed") for one in target.kill(replicas[1])])
    at(target, 45 * MS, lambda: [target.gateway.end(one, "failed") for one in target.kill(replicas[2])])
    requests = [request(i, output=30) for i in range(4)]
    ended = run(target, requests)
    assert {one.finish_reason for one in ended} <= {"abort", "failed"}
    assert all(STEP_NS < one.first_token_ns < 2 * STEP_NS for one in ended)
    assert all(one.begun_ns == NEVER for one in ended)


def turmoil(seed, *, policy, roles, jumping=True, caching=False, scheduler="vllm", asynchronous=False):
    """Replicas join, leave and die at random under random traffic; the recording."""
    draw = np.random.default_rng(seed)
    own = settings(
        enable_prefix_caching=caching, scheduler=scheduler, async_scheduling=asynchronous, num_gpu_blocks=120
    )
    pools = [pool(role, role=role, replicas=3, settings=own, kv_bytes_per_token=1e3) for role in roles]
    target = cluster(*pools, policy=policy, link=LinkPlan(1e8, 1000), jumping=jumping)

    def change(number):
        mine = target.pools[number]
        serving = list(mine.serving)
        kind = int(draw.integers(3))
        if kind == 0 or len(serving) < 2:
            target.add(mine)
        elif kind == 1:
            target.drain(serving[int(draw.integers(len(serving)))])
        else:
            replace(target, serving[int(draw.integers(len(serving)))])

    for _ in range(25):
        when, number = int(draw.integers(3_000 * MS)), int(draw.integers(len(pools)))
        at(target, when, lambda number=number: change(number))
    times = np.sort(draw.integers(0, 3_000 * MS, 150)).tolist()
    prompts, outputs = draw.integers(1, 400, 150).tolist(), draw.integers(1, 120, 150).tolist()
    thinking = draw.integers(0, 40, 150).tolist()
    run(
        target,
        [
            request(
                i,
                times[i],
                content=(
                    ("prefix:0", 0, prompts[i] // 2),
                    (f"s{i % 20}", 0, prompts[i] - prompts[i] // 2),
                    (f"out:{i}", 0, outputs[i]),
                )
                if caching
                else None,
                prompt=prompts[i],
                output=outputs[i],
                thinking_tokens=min(thinking[i], outputs[i] - 1),
            )
            for i in range(150)
        ],
    )
    for mine in target.pools:
        for replica in mine.serving:
            assert replica.free_blocks_now() == own.usable_blocks
    return target.recording()


SYSTEMS = [("unified",), ("prefill", "decode"), ("unified", "prefill", "decode")]


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("roles", SYSTEMS)
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_lost_in_turmoil_and_jumps_do_not_show(seed, roles, asynchronous):
    jumped, stepped = (
        turmoil(
            seed,
            policy="least_outstanding",
            roles=roles,
            jumping=j,
            caching=seed % 2 == 0,
            asynchronous=asynchronous,
        )
        for j in (True, False)
    )
    check_conservation(jumped)
    assert jumped.unfinished == 0
    assert len(jumped.requests.request) == 150
    assert (jumped.requests.status == 0).all()
    for name in jumped.requests.__slots__:
        assert (getattr(jumped.requests, name) == getattr(stepped.requests, name)).all(), name
    for one, other in zip(jumped.pools, stepped.pools, strict=True):
        assert one.steps == other.steps
        for name in ("busy_ns", "kv_blocks_ns", "batch_ns", "waiting_ns"):
            assert (getattr(one.windows, name) == getattr(other.windows, name)).all(), name


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_survives_turmoil_and_does_not_see_jumps(policy, asynchronous):
    jumped, stepped = (
        turmoil(
            5,
            policy=policy,
            roles=("unified", "prefill", "decode"),
            caching=True,
            asynchronous=asynchronous,
            jumping=j,
        )
        for j in (True, False)
    )
    check_conservation(jumped)
    assert (jumped.requests.status == 0).all()
    for name in jumped.requests.__slots__:
        assert (getattr(jumped.requests, name) == getattr(stepped.requests, name)).all(), name


def test_the_list_walking_engine_hands_back_what_it_had_too():
    recording = turmoil(1, policy="round_robin", roles=("unified",), scheduler="sarathi")
    check_conservation(recording)
    assert len(recording.requests.request) == 150
    assert (recording.requests.first_token_ns != NEVER).all()
