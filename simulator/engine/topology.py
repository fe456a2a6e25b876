"""Where replicas stand, and which links lead from one to another.

Devices stand in nodes (scale-up domains: NVLink, Infinity Fabric, chip-to-chip links), nodes in racks.
Between replicas in the same node a KV cache goes over the scale-up links of their devices; else over a
network port of each device, and between racks also over the uplinks of both racks. A KV cache is spread
over the devices of a replica, so as many of them send as the smaller of the two replicas has.

Left out: which rank holds which heads (a transfer between different layouts moves the same bytes), switches
inside a node or rack that are not full speed, and other traffic on the network.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from simulator.engine.link import Link, LinkPlan, Path
from simulator.engine.replica import Replica
from simulator.engine.timing import NsEnvironment
from simulator.results.link_kinds import (
    INTO_INSIDE,
    INTO_NODES,
    INTO_RACKS,
    OUT_INSIDE,
    OUT_OF_NODES,
    OUT_OF_RACKS,
    OWN,
    LinkKind,
)


@dataclass(frozen=True, slots=True)
class Attachment:
    """How the devices of a pool's replicas are connected.

    Attributes
    ----------
    devices
        Of one replica.
    node_devices
        Devices in one scale-up domain.
    hardware
        What the devices are: different ones do not share a node.
    scale_up, network
        Ways out of one device, to others in its node and to those beyond; None where not known.
    """

    devices: int = 1
    node_devices: int = 8
    hardware: str = ""
    scale_up: LinkPlan | None = None
    network: LinkPlan | None = None


class Location(NamedTuple):
    """The (first) node of a replica, and its rack."""

    node: int
    rack: int


@dataclass(frozen=True, slots=True)
class NodePlan:
    """How nodes are filled and grouped.

    Attributes
    ----------
    shared
        Whether replicas of several pools may stand in one node.
    rack_nodes
        Nodes in a rack; None: there is one rack.
    uplink
        Of each rack, one way; None: as fast as need be.
    """

    shared: bool = False
    rack_nodes: int | None = None
    uplink: LinkPlan | None = None


class Machines:
    """Which replicas run on the same machine, one after another: its place and its links stay.

    Attributes
    ----------
    paces
        By the first replica of a machine: how many times as long as built for its ways out take, where they
        are degraded; infinity: they are dead.
    """

    def __init__(self) -> None:
        self._first: dict[Replica, Replica] = {}
        self.paces: dict[Replica, float] = {}

    def succeed(self, replica: Replica, former: Replica) -> None:
        """A replica runs where another one ran."""
        self._first[replica] = self.first_on(former)

    def first_on(self, replica: Replica) -> Replica:
        """The first replica of its machine, which stands for the machine."""
        return self._first.get(replica, replica)

    def pace(self, replica: Replica) -> float:
        """Of the ways out of a replica's machine."""
        return self.paces.get(self.first_on(replica), 1.0)


class Wiring(Protocol):
    """Knows the way from one replica to another."""

    links: list[Link]
    machines: Machines

    def settle(self, replica: Replica, former: Replica | None = None) -> None:
        """A replica comes into service: on a new machine, or where a former one ran."""
        ...

    def path(self, source: Replica, target: Replica) -> Path:
        """The way of a KV cache."""
        ...

    def ways_out(self, source: Replica) -> list[Link]:
        """The links of a replica's machine over which it has sent anything so far."""
        ...


class OwnLinks:
    """A link of its own out of every machine, whatever stands at the other end."""

    def __init__(self, env: NsEnvironment, plan: LinkPlan, keeps_room: bool = True) -> None:
        self.env = env
        self._plan = plan
        self._keeps_room = keeps_room
        self._paths: dict[Replica, Path] = {}
        self.links: list[Link] = []
        self.machines = Machines()

    def settle(self, replica: Replica, former: Replica | None = None) -> None:
        """A new machine's link is its own, wherever it stands."""
        if former is not None:
            self.machines.succeed(replica, former)

    def path(self, source: Replica, target: Replica) -> Path:
        """The source's link."""
        machine = self.machines.first_on(source)
        path = self._paths.get(machine)
        if path is None:
            link = Link(self._plan, OWN.name, self._keeps_room)
            self.links.append(link)
            link.change_pace(self.machines.pace(source), self.env.now)
            path = self._paths[machine] = Path.over(link)
        return path

    def ways_out(self, source: Replica) -> list[Link]:
        """Its link."""
        path = self._paths.get(self.machines.first_on(source))
        return [] if path is None else list(path.links)


class Placement:
    """Gives replicas their places: node by node, pool by pool in the order of the scenario.

    Parameters
    ----------
    machines
        Most of each pool at once: places are kept for those that do not serve yet.
    """

    def __init__(self, plan: NodePlan, attachments: Sequence[Attachment], machines: Sequence[int]) -> None:
        self._plan = plan
        self._attachments = attachments
        self._nodes = 0
        self._open: dict[object, tuple[int, int]] = {}  # node and free devices, by whose node it is
        self._free = [deque(self._next(pool) for _ in range(most)) for pool, most in enumerate(machines)]
        self._places: dict[Replica, Location] = {}

    def settle(self, replica: Replica) -> None:
        """A new machine of a pool stands where the pool's next place is."""
        self._places[replica] = self._free[replica.pool].popleft()

    def of(self, replica: Replica) -> Location:
        """Where a machine stands, known by its first replica."""
        return self._places[replica]

    def _next(self, pool: int) -> Location:
        about = self._attachments[pool]
        owner: object = about.hardware if self._plan.shared else pool
        node, free = self._open.get(owner, (0, 0))
        if about.devices > free:
            node = self._nodes
            whole = -(-about.devices // about.node_devices)
            self._nodes += whole
            free = whole * about.node_devices
        self._open[owner] = (node, free - about.devices)
        return Location(node, node // self._plan.rack_nodes if self._plan.rack_nodes else 0)


class Topology:
    """Links of nodes and racks; see the module."""

    def __init__(
        self,
        env: NsEnvironment,
        plan: NodePlan,
        attachments: Sequence[Attachment],
        machines: Sequence[int],
        keeps_room: bool = True,
    ) -> None:
        self.env = env
        self._keeps_room = keeps_room
        self.placement = Placement(plan, attachments, machines)
        self._plan = plan
        self._attachments = attachments
        self._ports: dict[tuple[LinkKind, Replica | int], Link] = {}
        self.links: list[Link] = []
        self.machines = Machines()

    def settle(self, replica: Replica, former: Replica | None = None) -> None:
        """A new machine gets the next place of its pool."""
        if former is not None:
            self.machines.succeed(replica, former)
        else:
            self.placement.settle(replica)

    def path(self, source: Replica, target: Replica) -> Path:
        """Ports of both replicas, and uplinks between racks."""
        machines = self.machines
        here, there = (self.placement.of(machines.first_on(replica)) for replica in (source, target))
        one, other = self._attachments[source.pool], self._attachments[target.pool]
        streams = min(one.devices, other.devices)
        inside = here.node == there.node
        leaving, coming = (OUT_INSIDE, INTO_INSIDE) if inside else (OUT_OF_NODES, INTO_NODES)
        out, into = (one.scale_up, other.scale_up) if inside else (one.network, other.network)
        assert out is not None and into is not None  # the plan is checked
        links = [
            self._port(leaving, source, out, one.devices, machines.pace(source)),
            self._port(coming, target, into, other.devices),
        ]
        shares = [streams / one.devices, streams / other.devices]
        latency_ns = max(out.latency_ns, into.latency_ns)
        uplink = self._plan.uplink
        if uplink is not None and here.rack != there.rack:
            links += [self._uplink(OUT_OF_RACKS, here.rack), self._uplink(INTO_RACKS, there.rack)]
            shares += [1.0, 1.0]
            latency_ns += uplink.latency_ns
        return Path(tuple(links), tuple(shares), latency_ns)

    def ways_out(self, source: Replica) -> list[Link]:
        """The ports out of its devices."""
        machine = self.machines.first_on(source)
        ports = (self._ports.get((kind, machine)) for kind in (OUT_INSIDE, OUT_OF_NODES))
        return [port for port in ports if port is not None]

    def _port(
        self, kind: LinkKind, replica: Replica, link: LinkPlan, devices: int, pace: float = 1.0
    ) -> Link:
        machine = self.machines.first_on(replica)
        return self._link(kind, machine, LinkPlan(link.bytes_per_s * devices), pace)

    def _uplink(self, kind: LinkKind, rack: int) -> Link:
        assert self._plan.uplink is not None
        return self._link(kind, rack, self._plan.uplink)

    def _link(self, kind: LinkKind, where: Replica | int, plan: LinkPlan, pace: float = 1.0) -> Link:
        link = self._ports.get((kind, where))
        if link is None:
            link = self._ports[kind, where] = Link(plan, kind.name, self._keeps_room)
            link.change_pace(pace, self.env.now)
            self.links.append(link)
        return link
