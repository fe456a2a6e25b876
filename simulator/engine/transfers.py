"""The transfers of a cluster: from prefill to decode replicas, with failures and retries.

With layer-wise overlap a layer's KV entries leave while the next layer is computed, so that when the
prompt is done only what the links could not carry in the meantime is left, at least the last layer's
(Splitwise, ISCA 2024, 4.3). A prompt is computed in chunks, one a step, and what a chunk makes cannot leave
before it is computed; of the last chunk the last layer is left:

    left = max(bytes of the last chunk / layers,
               largest of all chunks (bytes of it and those behind it - room of the path since it began))

which is how much a line has grown by the end (Lindley, 1952), as if the layers of a chunk came evenly. The
room is what the fullest link of the path could have carried in that time beside all that others sent over
it, and no more than a path alone gets. What is sent during the prompt takes room from those that come later,
so no link carries more than it can; as nobody knows the target before the prompt is done, it does not slow
down what is on the links meanwhile.

A transfer fails with a set probability, when all of it was sent, and on a dead link, when its sender has
waited `TIME_OUT_NS` for an answer; it is sent again as often as ``retries`` says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from simpy.events import Event

from simulator.engine.chunks import Chunk
from simulator.engine.link import Link, LinkPlan, Path
from simulator.engine.replica import Replica
from simulator.engine.timing import Appointment, NsEnvironment
from simulator.engine.topology import Attachment, NodePlan, OwnLinks, Topology, Wiring
from simulator.engine.transfer import CARRIERS, Transfer
from simulator.results.recording import LinkRecording, TransferRecording
from simulator.units.clock import NS_PER_S

EACH_ITS_OWN = NodePlan()
#: How long a sender waits for an answer until it gives a transfer up: seven retries of a reliable InfiniBand
#: connection at a local ACK time-out of 14 (4.096 us * 2^14 = 67 ms), a common setting [ns].
TIME_OUT_NS = 470_000_000


@dataclass(frozen=True, slots=True)
class TransferPlan:
    """How KV caches get from prefill to decode replicas.

    Attributes
    ----------
    own_link
        Way out of each prefill replica; None: over ``nodes``.
    nodes
        How nodes are filled and grouped, where there are no links of their own.
    sharing
        One of ``transfer.CARRIERS``.
    overlaps
        Whether layers leave while the next ones are computed.
    failure_probability, retries
        Of one transfer, and how often it is tried again.
    """

    own_link: LinkPlan | None = None
    nodes: NodePlan = EACH_ITS_OWN
    sharing: str = "fifo"
    overlaps: bool = False
    failure_probability: float = 0.0
    retries: int = 3


class Transfers:
    """Sends KV caches and counts what became of them.

    Attributes
    ----------
    wiring
        Where replicas stand and what leads from one to another.
    """

    def __init__(
        self, env: NsEnvironment, plan: TransferPlan, wiring: Wiring, random: np.random.Generator
    ) -> None:
        self.env = env
        self.plan = plan
        self.wiring = wiring
        self._random = random
        self._carrier = CARRIERS[plan.sharing](env)
        self._count = self._arrived = self._failed = self._cancelled = 0
        self._bytes = 0.0
        self._time_ns = self._alone_ns = 0
        self._since_ns = 0

    def begin_to_count(self) -> None:
        """What has happened so far is left out; what is on its way counts with what is left of it."""
        now, links = self.env.now, self.wiring.links
        self._carrier.settle(links)
        moving = dict.fromkeys(transfer for link in links for transfer in link.flows)
        self._bytes = sum(transfer.left_by(now) for transfer in moving)
        self._count -= self._arrived + self._failed + self._cancelled
        self._arrived = self._failed = self._cancelled = 0
        self._time_ns = self._alone_ns = 0
        for link in links:
            link.begin_to_count(now)
        self._since_ns = now

    def send(self, shipment: Shipment) -> None:
        """Begin to carry a shipment to its target."""
        self._count += 1
        shipment.under_way = True
        if self.wiring.machines.pace(shipment.source) == inf:
            self._time_out(shipment)
            return
        path = self.wiring.path(shipment.source, shipment.target)
        size = alone = shipment.size
        if self.plan.overlaps and shipment.layers:
            size, alone = self._left(shipment, path)
            for link in path.links:
                link.carry_unseen(shipment.size - size, self.env.now)
        alone_ns = round(alone / path.bytes_per_s * NS_PER_S) + path.latency_ns
        begun = self.env.now
        self._bytes += shipment.size

        def sent() -> None:
            shipment.transfer = None  # which leads back here
            fails = self.plan.failure_probability
            if fails and self._random.random() < fails:
                self._fail(shipment)
                return
            self._arrived += 1
            self._time_ns += self.env.now - begun
            self._alone_ns += alone_ns
            shipment.under_way = False
            shipment.arrived()

        shipment.transfer = self._carrier.send(path, size, sent)

    def change_pace(self, source: Replica, factor: float) -> None:
        """The ways out of a replica's machine are so many times slower; infinity: they are dead."""
        machines = self.wiring.machines
        machines.paces[machines.first_on(source)] = factor
        if factor == inf:
            return  # what is on them is cut, one by one
        self._carrier.change_pace(self.wiring.ways_out(source), factor)

    def close(self, source: Replica) -> None:
        """All that was on the dead ways out of a replica's machine is cut."""
        links = self.wiring.ways_out(source)
        self._carrier.settle(links)
        for link in links:
            link.close(self.env.now)

    def cut(self, shipment: Shipment) -> None:
        """Its link is dead: what is under way does not arrive."""
        if shipment.transfer is not None:
            self._stop(shipment)
            self._time_out(shipment)

    def _time_out(self, shipment: Shipment) -> None:
        def due(_: Event) -> None:
            shipment.time_out = None
            self._fail(shipment)

        shipment.time_out = Appointment(self.env, TIME_OUT_NS, due)

    def cancel(self, shipment: Shipment) -> None:
        """Nobody waits for it any more."""
        if shipment.under_way:
            shipment.under_way = False
            self._cancelled += 1
        self._stop(shipment)

    def _stop(self, shipment: Shipment) -> None:
        if shipment.time_out is not None:
            shipment.time_out.cancel()
            shipment.time_out = None
        if shipment.transfer is not None:
            self._bytes -= self._carrier.cancel(shipment.transfer)
            shipment.transfer = None

    def _fail(self, shipment: Shipment) -> None:
        self._failed += 1
        shipment.under_way = False
        shipment.tries += 1
        shipment.layers = 0  # nothing is computed meanwhile
        if shipment.tries > self.plan.retries:
            shipment.failed()
        else:
            self.send(shipment)

    def _left(self, shipment: Shipment, path: Path) -> tuple[float, float]:
        """What did not leave during the prompt, and what would not have if it were alone [bytes]."""
        now = self.env.now
        self._carrier.settle(path.links)
        per_token = shipment.size / shipment.chunks[-1].tokens
        behind = last = shipment.size
        left = alone = 0.0
        for chunk in shipment.chunks:
            most = path.bytes_per_s * (now - chunk.begin_ns) / NS_PER_S
            room = min(most, *(link.room_between(chunk.begin_ns, now) for link in path.links))
            left = max(left, behind - max(room, 0.0))
            alone = max(alone, behind - most)
            last, behind = behind, shipment.size - per_token * chunk.tokens
        last /= shipment.layers
        return max(last, left), max(last, alone)

    def recording(self, waits: int, waited_ns: int) -> TransferRecording:
        """What was counted; the arguments say who waited for room on the decode side, and how long."""
        return TransferRecording(
            transfers=self._count,
            arrived=self._arrived,
            failed=self._failed,
            cancelled=self._cancelled,
            bytes_sent=self._bytes,
            time_ns=self._time_ns,
            waits=waits,
            waited_ns=waited_ns,
            links=self._links(),
            alone_ns=self._alone_ns,
            overlaps=self.plan.overlaps,
            since_ns=self._since_ns,
        )

    def _links(self) -> tuple[LinkRecording, ...]:
        self._carrier.settle(self.wiring.links)
        kinds: dict[str, list[Link]] = {}
        for link in self.wiring.links:
            kinds.setdefault(link.name, []).append(link)
        return tuple(
            LinkRecording(
                name=name,
                links=len(links),
                bytes_per_s=float(np.mean([link.bytes_per_s for link in links])),
                transfers=sum(link.transfers for link in links),
                bytes_sent=sum(link.bytes_sent for link in links),
                busy_ns=sum(link.busy_ns for link in links),
                longest_busy_ns=max(link.busy_ns for link in links),
                busiest_ns=max(link.bytes_sent / link.bytes_per_s for link in links) * NS_PER_S,
            )
            for name, links in kinds.items()
        )


class Shipment:
    """The KV cache of one prompt, and whom it concerns.

    Attributes
    ----------
    size
        Of all of it [bytes].
    layers
        Over which it can leave piece by piece; 0: it leaves in one piece.
    chunks
        In which the prompt was computed; there is one at least where there are layers.
    arrived, failed
        Called when it is there, or when it was tried too often.
    under_way
        Whether a transfer of it has begun whose outcome is open.
    """

    __slots__ = (
        "arrived",
        "chunks",
        "failed",
        "layers",
        "size",
        "source",
        "target",
        "time_out",
        "transfer",
        "tries",
        "under_way",
    )

    def __init__(
        self,
        source: Replica,
        target: Replica,
        size: float,
        layers: int,
        chunks: Sequence[Chunk],
        arrived: Callable[[], None],
        failed: Callable[[], None],
    ) -> None:
        self.source = source
        self.target = target
        self.size = size
        self.layers = layers
        self.chunks = chunks
        self.arrived = arrived
        self.failed = failed
        self.tries = 0
        self.under_way = False
        self.transfer: Transfer | None = None
        self.time_out: Appointment | None = None  # where its link is dead


def wiring_of(
    env: NsEnvironment, plan: TransferPlan, attachments: Sequence[Attachment], machines: Sequence[int]
) -> Wiring:
    """Links of their own, or those of nodes and racks; by pool: how it is connected, its most machines."""
    if plan.own_link is not None:
        return OwnLinks(env, plan.own_link, keeps_room=plan.overlaps)
    return Topology(env, plan.nodes, attachments, machines, keeps_room=plan.overlaps)
