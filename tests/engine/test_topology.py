"""Places of replicas and the links between them."""

from __future__ import annotations

import pytest

from simulator.engine.fleet import FleetPlan
from simulator.engine.link import LinkPlan
from simulator.engine.operations import OperationsPlan
from simulator.engine.timing import NsEnvironment
from simulator.engine.topology import Attachment, NodePlan, OwnLinks, Topology
from tests.engine.clusters import MS, cluster, evenly, pool, run
from tests.engine.test_membership import at

NVLINK, PORT = LinkPlan(450e9, 2_000), LinkPlan(50e9, 10_000)


class Standing:
    """Stands in for a replica."""

    def __init__(self, pool=0):
        self.pool = pool


def topology(*devices, machines=3, **nodes):
    """One pool for each number of devices, and so many machines in every one."""
    attachments = [Attachment(count, 8, "h100", NVLINK, PORT) for count in devices]
    return Topology(NsEnvironment(), NodePlan(**nodes), attachments, [machines] * len(devices))


def stand(wiring, pool=0):
    """A replica on a new machine."""
    replica = Standing(pool)
    wiring.settle(replica)
    return replica


def places(topology, *pools):
    return [topology.placement.of(stand(topology, pool)).node for pool in pools]


def test_pools_fill_nodes_of_their_own_or_share_them():
    assert places(topology(4, 4), 0, 0, 0, 1, 1, 1) == [0, 0, 1, 2, 2, 3]
    assert places(topology(4, 4, shared=True), 0, 0, 0, 1, 1, 1) == [0, 0, 1, 1, 2, 2]


def test_a_pool_has_its_places_whoever_comes_first():
    assert places(topology(4, 4), 1, 0, 1, 0, 1, 0) == [2, 0, 2, 0, 3, 1]
    assert places(topology(4, 4, shared=True), 1, 0, 1, 0, 1, 0) == [1, 0, 2, 0, 2, 1]


def test_a_replica_larger_than_a_node_takes_whole_nodes():
    assert places(topology(16, 8, machines=2), 0, 0, 1) == [0, 2, 4]


def test_inside_a_node_scale_up_links_carry_the_cache():
    near = topology(4, 2, shared=True, machines=1)
    path = near.path(stand(near, 0), stand(near, 1))
    assert (path.bytes_per_s, path.latency_ns) == (2 * 450e9, 2_000)  # two devices take part
    assert [link.bytes_per_s for link in path.links] == [4 * 450e9, 2 * 450e9]


def test_between_nodes_every_device_has_its_port():
    far = topology(4, 4)
    path = far.path(stand(far, 0), stand(far, 1))
    assert (path.bytes_per_s, path.latency_ns) == (4 * 50e9, 10_000)


def test_between_racks_the_uplinks_are_shared():
    plan = {"rack_nodes": 1, "uplink": LinkPlan(100e9, 5_000)}
    racks = topology(8, 8, **plan)
    path = racks.path(stand(racks, 0), stand(racks, 1))
    assert (path.bytes_per_s, path.latency_ns) == (100e9, 15_000)
    assert len(path.links) == 4
    one_rack = topology(8, 8, machines=1, rack_nodes=2, uplink=plan["uplink"])
    assert len(one_rack.path(stand(one_rack, 0), stand(one_rack, 1)).links) == 2


def test_a_replica_that_follows_another_one_has_its_place_and_its_ports():
    racks = topology(8, 8, rack_nodes=1, uplink=LinkPlan(100e9))
    source, target = stand(racks, 0), stand(racks, 1)
    before = racks.path(source, target)
    second, third = Standing(0), Standing(0)
    racks.settle(second, source)
    racks.settle(third, second)
    assert racks.path(third, target).links == racks.path(second, target).links == before.links
    assert racks.placement.of(racks.machines.first_on(third)) == racks.placement.of(source)
    assert racks.path(stand(racks, 0), target).links != before.links


def test_a_link_of_its_own_belongs_to_the_machine():
    own = OwnLinks(NsEnvironment(), PORT)
    first, second, other = stand(own, 0), Standing(0), stand(own, 0)
    own.settle(second, first)
    for replica in (first, second, other):
        own.path(replica, stand(own, 1))
    assert len(own.links) == 2


def test_a_replica_keeps_its_ports():
    both = topology(4, 4)
    source, first, second = stand(both, 0), stand(both, 1), stand(both, 1)
    assert both.path(source, first).links[0] is both.path(source, second).links[0]
    assert both.path(source, first).links[1] is not both.path(source, second).links[1]
    assert len(both.links) == 3


@pytest.mark.parametrize("shared", [False, True])
def test_different_hardware_never_shares_a_node(shared):
    attachments = [Attachment(1, 8, name, NVLINK, PORT) for name in ("h100", "lpu")]
    mixed = Topology(NsEnvironment(), NodePlan(shared=shared), attachments, [1, 1])
    assert places(mixed, 0, 1) == [0, 1]


def test_where_ports_of_a_machine_are_degraded_the_slowest_link_decides_as_before():
    """Twice slower ports are still faster than the uplink; ten times slower ones are not."""
    racks = topology(8, 8, rack_nodes=1, uplink=LinkPlan(100e9, 5_000))
    source, target = stand(racks, 0), stand(racks, 1)
    path = racks.path(source, target)
    (port,) = racks.ways_out(source)
    port.change_pace(2.0, 0)
    assert path.bytes_per_s == 100e9
    port.change_pace(10.0, 0)
    assert path.bytes_per_s == 40e9
    racks.machines.paces[source] = 4.0
    other = stand(racks, 1)
    assert racks.path(source, other).links[0] is port


def crossings(policy, operations=None, launched=0):
    """Transfers, and those between racks, where two prefill machines fill a rack of their own."""
    attached = {"attachment": Attachment(4, 4, "h100", NVLINK, PORT), "kv_bytes_per_token": 1000.0}
    target = cluster(
        pool("prompts", role="prefill", replicas=2 - launched, **attached),
        pool("outputs", role="decode", replicas=4, **attached),
        nodes=NodePlan(rack_nodes=2, uplink=LinkPlan(10e9)),
        policy=policy,
        operations=operations,
    )
    if launched:
        at(target, 0, lambda: target._operations.fleets[0].launch(launched))
    run(target, evenly(40, 100 * MS))
    transfers = target.recording().transfers
    return transfers.arrived, {link.name: link.transfers for link in transfers.links}["out of racks"]


@pytest.mark.parametrize("policy", ["round_robin", "least_outstanding", "random"])
def test_which_transfers_cross_racks_does_not_depend_on_the_router(policy):
    assert crossings(policy) == (40, 40)


def test_a_machine_that_is_started_later_has_a_place_in_its_pool():
    fleets = (FleetPlan(slots=2), FleetPlan(slots=4))
    assert crossings("round_robin", OperationsPlan(fleets, (None, None)), launched=1) == (40, 40)
