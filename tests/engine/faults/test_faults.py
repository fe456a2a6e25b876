"""Failures at random and by script, against what theory says of them."""

from __future__ import annotations

from math import comb, inf

import numpy as np
import pytest

from simulator.engine.faults import FaultPlan, RandomFault, ScriptedFault
from simulator.engine.fleet import FleetPlan
from simulator.engine.link import LinkPlan
from simulator.engine.operations import OperationsPlan
from simulator.engine.transfers import TIME_OUT_NS, TransferPlan
from simulator.results.conservation import check_conservation
from simulator.results.fleet import use_of_fleet
from simulator.results.recording import STATUSES
from tests.engine.clusters import MS, cluster, evenly, pool, request
from tests.engine.test_fleet import S, serve
from tests.engine.test_membership import at


def failing(*faults, replicas=4, again=True, fleet=None, **changes):
    random = tuple(fault for fault in faults if isinstance(fault, RandomFault))
    scripted = tuple(fault for fault in faults if isinstance(fault, ScriptedFault))
    plan = OperationsPlan((fleet or FleetPlan(slots=replicas),), (None,), FaultPlan(random, scripted, again))
    return cluster(pool(replicas=replicas), operations=plan, **changes)


def test_availability_is_that_of_the_markov_chain():
    # Four machines that fail after 100 s and are repaired after 25 s on average, each by itself: each is up
    # with probability 100 / 125, and how many are up is binomial.
    target = failing(RandomFault("device", 0, 100 * S, 25 * S))
    serve(target, evenly(3000, gap_ns=20 * S))
    recording = target.recording()
    fleet = recording.pools[0].fleet
    up = 0.8
    assert use_of_fleet(fleet, 0, recording.end_ns).availability == pytest.approx(up, abs=0.01)
    lasted = np.diff(np.append(fleet.time_ns, recording.end_ns))
    for count in range(5):
        share = lasted[fleet.serving == count].sum() / recording.end_ns
        assert share == pytest.approx(comb(4, count) * up**count * (1 - up) ** (4 - count), abs=0.02)


def test_machines_in_one_node_fail_together():
    fleet = FleetPlan(slots=4, devices=4, node_devices=8)
    target = failing(RandomFault("node", 0, 100 * S, 25 * S), fleet=fleet)
    serve(target, evenly(500, gap_ns=20 * S))
    assert set(target.recording().pools[0].fleet.serving.tolist()) == {0, 2, 4}


def test_a_rack_that_fails_loses_each_request_once_whatever_becomes_of_it():
    def lost(again):
        fleet = FleetPlan(slots=6, devices=4, node_devices=8, rack_nodes=2)
        target = failing(ScriptedFault("rack", 0, 995 * MS, 0, S), replicas=6, fleet=fleet, again=again)
        serve(target, evenly(40, gap_ns=30 * MS, output=30))
        recorded = target.recording().pools[0].fleet
        assert recorded.failures == 4
        return recorded.lost_requests

    assert lost(again=True) == lost(again=False) > 0


def test_a_machine_serves_again_once_all_that_broke_is_repaired():
    fleet = FleetPlan(slots=1, devices=2, node_devices=2)
    target = failing(
        ScriptedFault("device", 0, S, 0, 5 * S),
        ScriptedFault("device", 0, 2 * S, 1, 8 * S),
        replicas=1,
        fleet=fleet,
    )
    serve(target, evenly(150, gap_ns=100 * MS))
    recorded = target.recording().pools[0].fleet
    assert recorded.time_ns.tolist() == [0, S, 10 * S]
    assert recorded.serving.tolist() == [1, 0, 1]
    assert recorded.failures == 1


def test_every_request_ends_one_way_or_another():
    for again in (True, False):
        target = failing(RandomFault("device", 0, 20 * S, 5 * S), again=again)
        serve(target, evenly(2000, gap_ns=50 * MS, output=50))
        recording = target.recording()
        assert recording.unfinished == 0
        assert len(recording.requests.request) == 2000
        ways = {STATUSES[status] for status in recording.requests.status}
        assert ways == ({"finished"} if again else {"finished", "failed"})
        failed = int((recording.requests.status == STATUSES.index("failed")).sum())
        assert failed == (0 if again else recording.pools[0].fleet.lost_requests)
        check_conservation(recording)


def test_the_same_failures_strike_whatever_the_jumps():
    def rows(jumping):
        faults = (
            RandomFault("device", 0, 15 * S, 5 * S),
            RandomFault("straggler", 0, 10 * S, 5 * S, factor=2.5),
        )
        target = failing(*faults, jumping=jumping)
        ended = serve(target, evenly(600, gap_ns=50 * MS, output=60))
        # Requests that end at one instant in different replicas have no order.
        return sorted((r.index, r.replica, r.first_token_ns, r.finish_ns) for r in ended)

    assert rows(True) == rows(False) == rows(True)


def test_nothing_strikes_after_the_last_request():
    target = failing(RandomFault("device", 0, 3600 * S, 60 * S), ScriptedFault("device", 0, 900 * S, 0, None))
    (only,) = serve(target, [request(0)])
    assert target.recording().end_ns == only.finish_ns


def over_a_link(*faults, sharing="fifo", requests=1):
    """A cluster whose prefill replica has a link of a millisecond per token, after requests of 100 tokens."""
    plan = OperationsPlan((FleetPlan(slots=1), FleetPlan(slots=1)), (None, None), FaultPlan(scripted=faults))
    target = cluster(
        pool("prefill", role="prefill", kv_bytes_per_token=1000.0),
        pool("decode", role="decode"),
        transfer=TransferPlan(own_link=LinkPlan(1e6), sharing=sharing),
        operations=plan,
    )
    return target, serve(target, [request(number, arrival_ns=S) for number in range(requests)])


def test_a_degraded_link_takes_longer():
    degraded = ScriptedFault("link", 0, 500 * MS, 0, 100 * S, factor=3.0)
    (slow,), (usual,) = over_a_link(degraded)[1], over_a_link()[1]
    assert slow.finish_ns - usual.finish_ns == 200 * MS


def test_slowdowns_of_one_link_multiply_and_end_one_by_one():
    first = ScriptedFault("link", 0, 500 * MS, 0, 100 * S, factor=3.0)
    over = ScriptedFault("link", 0, 100 * MS, 0, 200 * MS, factor=inf)
    assert over_a_link(over, first)[1][0].finish_ns == over_a_link(first)[1][0].finish_ns


@pytest.mark.parametrize("sharing", ["fifo", "fair"])
def test_a_dead_link_ends_its_requests_after_the_last_try(sharing):
    (usual,) = over_a_link(sharing=sharing)[1]
    cut = ScriptedFault("link", 0, usual.first_token_ns + 50 * MS, 0, None, factor=inf)
    target, ended = over_a_link(cut, sharing=sharing, requests=3)
    assert {one.finish_reason for one in ended} == {"failed"}
    tries = 1 + TransferPlan().retries
    assert max(one.finish_ns for one in ended) < cut.at_ns + (tries + 1) * TIME_OUT_NS
    recording = target.recording()
    assert recording.transfers.failed == recording.transfers.transfers == 3 * tries
    check_conservation(recording)


def test_a_link_that_comes_back_in_time_carries_what_it_owed():
    (usual,) = over_a_link()[1]
    cut = ScriptedFault("link", 0, usual.first_token_ns + 50 * MS, 0, TIME_OUT_NS // 2, factor=inf)
    target, (only,) = over_a_link(cut)
    assert only.finish_reason == "length"
    assert only.finish_ns - usual.finish_ns == 50 * MS + TIME_OUT_NS
    assert target.recording().transfers.failed == 1


@pytest.mark.parametrize("sharing", ["fifo", "fair"])
def test_what_a_dead_link_cut_short_is_not_in_the_mean_time_of_a_transfer(sharing):
    (usual,) = over_a_link(sharing=sharing)[1]
    cut_ns = usual.first_token_ns + 50 * MS
    cut = ScriptedFault("link", 0, cut_ns, 0, TIME_OUT_NS + MS, factor=inf)
    transfers = over_a_link(cut, sharing=sharing, requests=3)[0].recording().transfers
    assert (transfers.arrived, transfers.failed) == (3, 6)
    alone_ns = transfers.alone_ns / transfers.arrived
    assert alone_ns == 100 * MS
    assert transfers.time_ns / transfers.arrived > alone_ns


def test_where_no_machine_stands_nothing_fails():
    fleet = FleetPlan(slots=3, warm=1, provisioning_ns=2 * S)
    strikes = [ScriptedFault("device", 0, S, number, S) for number in (1, 2)]
    target = failing(*strikes, replicas=1, fleet=fleet)
    serve(target, evenly(60, gap_ns=100 * MS))
    recorded = target.recording().pools[0].fleet
    assert recorded.failures == 1  # the warm one; the third place is empty
    assert recorded.down.max() == 1
    assert recorded.serving[-1] == 2  # the warm one serves once it is repaired


def test_a_fault_of_an_empty_place_does_not_delay_the_repair_of_what_comes_there():
    fleet = FleetPlan(slots=2, devices=2, node_devices=2)
    empty = ScriptedFault("device", 0, S, 2, 8 * S)
    later = ScriptedFault("device", 0, 3 * S, 3, S)
    target = failing(empty, later, replicas=1, fleet=fleet)
    at(target, 2 * S, lambda: target._operations.fleets[0].launch(1))
    serve(target, evenly(60, gap_ns=100 * MS))
    recorded = target.recording().pools[0].fleet
    assert recorded.time_ns.tolist() == [0, 2 * S, 3 * S, 4 * S]
    assert recorded.serving.tolist() == [1, 2, 1, 2]
