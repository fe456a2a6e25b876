"""Replicas that change between the prefill and the decode side."""

from __future__ import annotations

import pytest

from simulator.engine.adaptation import AdaptationPlan
from simulator.engine.link import LinkPlan
from simulator.results.conservation import check_conservation
from tests.engine.clusters import MS, cluster, evenly, pool, settings
from tests.engine.test_fleet import serve

PLAN = AdaptationPlan(interval_ns=100 * MS, change_ns=50 * MS)


def served(requests, *, adaptation, prefill=2, decode=2, jumping=True, asynchronous=False, blocks=2000):
    own = settings(max_num_seqs=8, num_gpu_blocks=blocks, async_scheduling=asynchronous)
    target = cluster(
        pool("p", role="prefill", replicas=prefill, settings=own, kv_bytes_per_token=1e3),
        pool("d", role="decode", replicas=decode, settings=own),
        link=LinkPlan(1e9),
        policy="least_outstanding",
        adaptation=adaptation,
        jumping=jumping,
    )
    ended = serve(target, requests)
    recording = target.recording()
    check_conservation(recording)
    assert recording.unfinished == 0
    assert (recording.requests.status == 0).all()
    return target, ended, recording


def test_where_prompts_wait_a_decode_replica_comes_over():
    """A prompt takes a replica 30 ms and another comes every 9: more than two replicas compute."""
    requests = evenly(400, gap_ns=9 * MS, prompt=2000, output=2)
    target, _, recording = served(requests, adaptation=PLAN, decode=4)
    prompts, outputs = (pool.fleet for pool in recording.pools)
    assert prompts.starts >= 2 and outputs.stops == prompts.starts
    assert len(target.pools[0].serving) == 2 + prompts.starts
    assert len(target.pools[1].serving) == 4 - prompts.starts
    assert prompts.on.max() == 2 + prompts.starts


def test_those_that_end_what_they_have_compute_still():
    """Their steps are in the log, so their time counts too."""
    _, _, recording = served(evenly(400, gap_ns=9 * MS, prompt=2000, output=2), adaptation=PLAN, decode=4)
    for own in recording.pools:
        fleet = own.fleet
        assert (fleet.computing >= fleet.serving).all() and (fleet.computing <= fleet.on).all()
        assert fleet.computing[-1] == fleet.serving[-1]
        lasted = [*fleet.time_ns[1:], recording.end_ns] - fleet.time_ns
        assert own.windows.busy_ns.sum() <= (fleet.computing * lasted).sum()


def test_where_outputs_have_no_room_a_prefill_replica_comes_over():
    requests = evenly(120, gap_ns=30 * MS, prompt=700, output=150)
    target, _, recording = served(requests, adaptation=PLAN, prefill=4, decode=1, blocks=200)
    assert recording.pools[1].fleet.starts >= 1
    assert len(target.pools[1].serving) > 1


def test_some_stay_on_each_side():
    requests = evenly(300, gap_ns=5 * MS, prompt=2000, output=2)
    target, _, _ = served(requests, adaptation=PLAN, prefill=1, decode=3)
    assert len(target.pools[1].serving) >= 1


def test_adapting_shortens_the_queue():
    def mean_ttft(adaptation):
        requests = evenly(400, gap_ns=9 * MS, prompt=2000, output=2)
        _, ended, _ = served(requests, adaptation=adaptation, decode=4)
        return sum(r.first_token_ns - r.arrival_ns for r in ended) / len(ended)

    assert mean_ttft(PLAN) < 0.6 * mean_ttft(None)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_jumps_do_not_show(asynchronous):
    rows = [
        served(
            evenly(150, gap_ns=17 * MS + 1, prompt=900, output=60),
            adaptation=PLAN,
            jumping=jumping,
            asynchronous=asynchronous,
        )[2].requests
        for jumping in (True, False)
    ]
    for name in rows[0].__slots__:
        assert (getattr(rows[0], name) == getattr(rows[1], name)).all(), name
