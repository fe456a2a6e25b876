"""Machines that are started, stopped, kept warm and fail."""

from __future__ import annotations

import pytest

from simulator.engine.cluster import Cluster
from simulator.engine.faults import FaultPlan
from simulator.engine.fleet import FleetPlan, State
from simulator.engine.link import LinkPlan
from simulator.engine.operations import OperationsPlan
from simulator.results.conservation import check_conservation
from simulator.results.recording import STATUSES
from simulator.simulation.event_loop import _goes_on
from tests.engine.clusters import MS, STEP_NS, cluster, evenly, pool, request, settings
from tests.engine.test_membership import at

S = 1000 * MS


def fleet_of(plan=None, replicas=2, again=True, **changes):
    """A cluster with one pool whose machines are at hand, and its fleet."""
    plan = plan or FleetPlan(slots=replicas)
    operations = OperationsPlan((plan,), (None,), FaultPlan(again=again))
    target = cluster(pool(replicas=replicas), operations=operations, **changes)
    assert target._operations is not None
    return target, target._operations.fleets[0]


def serve(target: Cluster, requests):
    """Submit requests at their times and run until nothing that matters is left."""
    ended = []
    for one in requests:
        one.on_end = ended.append
        at(target, one.arrival_ns, lambda one=one: target.submit(one))
    while _goes_on(target):
        pass
    return ended


def states(fleet):
    return [slot.state for slot in fleet.slots]


def test_a_machine_that_was_off_is_provisioned_and_loads_before_it_serves():
    plan = FleetPlan(slots=3, provisioning_ns=2 * S, start_ns=S)
    target, fleet = fleet_of(plan, replicas=1)
    at(target, S, lambda: fleet.launch(1))
    serve(target, evenly(60, gap_ns=100 * MS))
    recorded = fleet.recording()
    assert recorded.time_ns.tolist() == [0, S, 3 * S, 4 * S]
    assert recorded.on.tolist() == [1, 1, 2, 2]
    assert recorded.serving.tolist() == [1, 1, 1, 2]


def test_a_warm_machine_need_not_be_waited_for_and_is_replaced():
    plan = FleetPlan(slots=4, warm=1, provisioning_ns=2 * S, start_ns=S)
    target, fleet = fleet_of(plan, replicas=1)
    at(target, S, lambda: fleet.launch(1))
    serve(target, evenly(60, gap_ns=100 * MS))
    recorded = fleet.recording()
    assert recorded.time_ns.tolist() == [0, S, 2 * S, 3 * S]
    assert recorded.on.tolist() == [2, 2, 2, 3]
    assert recorded.serving.tolist() == recorded.computing.tolist() == [1, 1, 2, 2]


def test_a_machine_that_goes_ends_what_it_has_and_stays_on_until_then():
    target, fleet = fleet_of(replicas=2)
    at(target, 500 * MS, lambda: fleet.retire(1))
    ended = serve(target, evenly(20, gap_ns=100 * MS, output=30))
    assert len(ended) == 20
    off_ns = max(r.finish_ns for r in ended if r.replica == 1)
    assert off_ns > 500 * MS
    recorded = fleet.recording()
    assert (recorded.time_ns[-1], recorded.on[-1], recorded.serving[-1]) == (off_ns, 1, 1)
    assert recorded.serving.tolist() == [2, 1, 1]
    assert recorded.computing.tolist() == [2, 2, 1]


def test_what_fails_loses_its_cache_and_its_requests_begin_again_elsewhere():
    target, fleet = fleet_of(replicas=2)
    at(target, 3 * STEP_NS, lambda: fleet.fail(fleet.slots[0]))
    ended = serve(target, [request(0, output=20), request(1, output=20)])
    assert {(r.replica, r.outputs) for r in ended} == {(1, 20)}
    assert (fleet.failures, fleet.lost_requests) == (1, 1)
    assert fleet.lost_kv_tokens >= 100
    check_conservation(target.recording())


@pytest.mark.parametrize("again", [True, False])
def test_machines_that_fail_together_lose_every_request_once(again):
    """None is sent again to a machine that stops in the same instant."""
    target, fleet = fleet_of(replicas=5, again=again, policy="least_outstanding")
    at(target, 3 * STEP_NS, lambda: fleet.fail(*fleet.slots[:4]))
    ended = serve(target, [request(number, output=20) for number in range(10)])
    assert (fleet.failures, fleet.lost_requests) == (4, 8)
    assert len(ended) == 10
    assert {r.replica for r in ended if r.finish_reason == "length"} == {4}
    check_conservation(target.recording())


def test_a_cache_on_its_way_goes_to_no_decode_machine_that_fails_with_its_target():
    operations = OperationsPlan((FleetPlan(slots=1), FleetPlan(slots=3)), (None, None))
    target = cluster(
        pool("prompts", role="prefill", kv_bytes_per_token=1000.0),
        pool("outputs", role="decode", replicas=3),
        link=LinkPlan(1e6),
        operations=operations,
    )
    decode = target._operations.fleets[1]
    at(target, 50 * MS, lambda: decode.fail(*decode.slots[:2]))
    (only,) = serve(target, [request(0)])
    transfers = target.recording().transfers
    assert (only.replica, transfers.transfers, transfers.cancelled) == (2, 2, 1)


def test_lost_requests_can_end_as_failed_and_are_counted():
    target, fleet = fleet_of(replicas=2, again=False)
    at(target, 3 * STEP_NS, lambda: fleet.fail(fleet.slots[0]))
    serve(target, [request(0, output=20), request(1, output=20)])
    recording = target.recording()
    by_status = [STATUSES[status] for status in recording.requests.status]
    assert sorted(by_status) == ["failed", "finished"]
    assert recording.unfinished == 0
    check_conservation(recording)


def test_a_repaired_machine_loads_the_model_and_serves_what_waited():
    target, fleet = fleet_of(FleetPlan(slots=1, start_ns=S), replicas=1)
    at(target, 0, lambda: fleet.fail(fleet.slots[0]))
    at(target, 2 * S, lambda: fleet.repair(fleet.slots[0]))
    (only,) = serve(target, [request(0, arrival_ns=500 * MS)])
    assert only.first_scheduled_ns == 3 * S
    assert states(fleet) == [State.SERVING]


def test_what_waits_for_a_machine_that_never_comes_has_failed():
    target, fleet = fleet_of(replicas=1)
    at(target, 0, lambda: fleet.fail(fleet.slots[0]))
    ended = serve(target, [request(0, arrival_ns=500 * MS)])
    recording = target.recording()
    assert [STATUSES[status] for status in recording.requests.status] == ["failed"]
    assert (len(ended), recording.unfinished) == (1, 0)
    check_conservation(recording)


def test_a_slow_machine_steps_slower_until_it_is_well():
    target, fleet = fleet_of(replicas=1, keep_steps=True)
    slot = fleet.slots[0]
    at(target, 5 * STEP_NS, lambda: fleet.pace(slot, 3.0))
    at(target, 20 * STEP_NS, lambda: fleet.pace(slot, 1.0))
    serve(target, [request(0, output=20)])
    table = target.recording().pools[0].step_table
    assert set(table.duration_ns[1:].tolist()) == {STEP_NS, 3 * STEP_NS}


@pytest.mark.parametrize(
    ("kind", "number", "slots"),
    [("device", 5, [2]), ("node", 1, [4, 5, 6, 7]), ("node", 0, [0, 1, 2, 3]), ("rack", 0, list(range(8)))],
)
def test_a_component_takes_down_all_replicas_with_a_device_in_it(kind, number, slots):
    plan = FleetPlan(slots=10, devices=2, node_devices=8, rack_nodes=2)
    _, fleet = fleet_of(plan, replicas=10)
    assert [slot.number for slot in fleet.within(kind, number)] == slots
    assert [plan.components(each) for each in ("device", "node", "rack", "straggler")] == [20, 3, 2, 10]


def test_a_replica_over_two_nodes_stops_with_either():
    _, fleet = fleet_of(FleetPlan(slots=2, devices=16, node_devices=8), replicas=2)
    assert [[slot.number for slot in fleet.within("node", node)] for node in range(4)] == [[0], [0], [1], [1]]


@pytest.mark.parametrize("jumping", [True, False])
def test_jumps_change_nothing_when_machines_fail(jumping):
    def rows(jumping):
        target, fleet = fleet_of(FleetPlan(slots=3, start_ns=S), replicas=3, jumping=jumping)
        for number in range(3):
            at(target, (700 + 400 * number) * MS, lambda n=number: fleet.fail(fleet.slots[n]))
            at(target, (1700 + 400 * number) * MS, lambda n=number: fleet.repair(fleet.slots[n]))
            at(target, 3 * S, lambda n=number: fleet.pace(fleet.slots[n], 1.0 + n))
        ended = serve(target, evenly(150, gap_ns=30 * MS, output=40))
        return [(r.index, r.replica, r.first_token_ns, r.finish_ns) for r in ended]

    assert rows(jumping) == rows(True)


@pytest.mark.parametrize("ahead", [True, False])
def test_a_pace_that_changes_in_any_step_tells_no_jump_from_single_steps(ahead):
    def finishes(jumping, change_ns):
        one = settings(async_scheduling=ahead)
        operations = OperationsPlan((FleetPlan(slots=1),), (None,))
        target = cluster(pool(settings=one), operations=operations, jumping=jumping)
        fleet = target._operations.fleets[0]
        at(target, change_ns, lambda: fleet.pace(fleet.slots[0], 3.0))
        at(target, change_ns + 3, lambda: fleet.pace(fleet.slots[0], 2.0))
        ended = serve(target, [request(0, output=6), request(1, output=15), request(2, output=12)])
        return [(r.index, r.finish_ns) for r in ended]

    for step in range(1, 16):
        change_ns = step * STEP_NS + STEP_NS // 2
        assert finishes(True, change_ns) == finishes(False, change_ns)


def test_a_replica_that_takes_the_place_of_a_failed_one_has_its_link():
    """Links are counted by machine: else every failure would dilute what a link is used."""
    operations = OperationsPlan((FleetPlan(slots=1), FleetPlan(slots=1)), (None, None), FaultPlan(again=True))
    target = cluster(
        pool("prompts", role="prefill", kv_bytes_per_token=1000.0),
        pool("outputs", role="decode"),
        link=LinkPlan(1e9),
        operations=operations,
    )
    prefill = target._operations.fleets[0]
    for failure in (1, 2, 3):
        at(target, failure * S, lambda: prefill.fail(prefill.slots[0]))
        at(target, failure * S + 100 * MS, lambda: prefill.repair(prefill.slots[0]))
    serve(target, evenly(50, gap_ns=100 * MS))
    (links,) = target.recording().transfers.links
    assert len(target.pools[0].replicas) == 4
    assert links.links == 1
    assert links.bytes_sent >= 50 * 100 * 1000.0
