"""Links that carry KV caches, and how transfers share them.

A transfer takes a path of links. Two disciplines:

*First come first served*: a transfer has its whole path to itself, at the bandwidth of its slowest link,
from when the last of those before it on any of these links is through or cancelled.

*Fair share*: all transfers move at once. Rates are max-min fair: every transfer gets the largest rate
that takes nothing from one with a smaller rate (progressive filling; Bertsekas and Gallager, "Data
Networks", 1992, 6.5.2). One link with n transfers gives each 1/n of its bandwidth, which is the fluid
model of TCP or RDMA flows (processor sharing).

A link may become slower or faster while transfers are on it: their rates change with it.

A transfer arrives one latency of its path after its last byte has left. Left out: packets, ramp-up of a
flow, and bytes of headers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter, itemgetter

from simpy.events import Event

from simulator.engine.timing import Appointment, NsEnvironment
from simulator.units.clock import NS_PER_S

#: What rounding must not go below [bytes/s].
LEAST_BYTES_PER_S = 1e-3
#: Times of which a link remembers how much room it had had by then.
MOST_TIMES = 4096


@dataclass(frozen=True, slots=True)
class LinkPlan:
    """A link: its bandwidth, one way [bytes/s], and its latency [ns]."""

    bytes_per_s: float
    latency_ns: int = 0


class Link:
    """One way of one link, and what it has carried.

    Attributes
    ----------
    name
        Of the kind of link, in results.
    bytes_per_s
        Its bandwidth as built [bytes/s].
    rate
        What it carries at present, less where it is degraded [bytes/s].
    bytes_sent
        Bytes of the transfers that it has carried, failed ones included; of cancelled ones what had left
        by then [bytes].
    busy_ns
        Time during which bytes of a transfer moved, without what leaves while a prompt is computed [ns].
    flows
        Transfers that are not through, in the order in which they came.
    """

    def __init__(self, env: NsEnvironment, plan: LinkPlan, name: str = "") -> None:
        self.env = env
        self.name = name
        self.bytes_per_s = self.rate = plan.bytes_per_s
        self.latency_ns = plan.latency_ns
        self.bytes_sent = 0.0
        self.busy_ns = 0
        self.transfers = 0
        self.free_at = 0
        self.flows: OrderedDict[Transfer, None] = OrderedDict()  # the first is found at once
        self._taken = 0.0
        self._busy_since = 0
        # Time, room that nobody had used by then, and width that is free from then on [ns, bytes, bytes/s].
        self._history = [(0, 0.0, plan.bytes_per_s)]
        # Times after those, room that was used at them and width free from then on: added up when asked.
        self._notes: list[tuple[int, float, float]] = []

    def send(self, size: float, arrived: Callable[[], None]) -> int:
        """Queue ``size`` bytes on this link alone; returns when the last is there [ns]; then ``arrived``."""
        now = self.env.now
        arrival_ns = self.occupy(now, size, self.bytes_per_s) + self.latency_ns
        Appointment(self.env, arrival_ns - now, lambda _: arrived())
        return arrival_ns

    @property
    def first(self) -> Transfer | None:
        """Who came before all others that are not through."""
        return next(iter(self.flows), None)

    def occupy(self, begin: int, size: float, bytes_per_s: float) -> int:
        """First come first served: nobody else is on the link for that long; returns until when [ns]."""
        begin = max(begin, self.free_at)
        self.free_at = begin + round(size / bytes_per_s * NS_PER_S)
        self.busy_ns += self.free_at - begin
        self.bytes_sent += size
        self.transfers += 1
        return self.free_at

    def begin_to_count(self) -> None:
        """What it has carried so far is left out; of what is on it, what is left of it counts."""
        now = self.env.now
        self.transfers = len(self.flows)
        self.bytes_sent = sum(transfer.left_by(now) for transfer in self.flows)
        self.busy_ns = 0
        self._busy_since = now

    def carry_unseen(self, size: float) -> None:
        """Bytes have used room that there was (`room_since`)."""
        self.bytes_sent += size
        self._note(size)

    def room_since(self, begin_ns: int) -> float:
        """Bytes that it could have carried since then beside those that it has."""
        return self._room_by(self.env.now) - self._room_by(begin_ns)

    def _room_by(self, time_ns: int) -> float:
        """Room that nobody had used by then [bytes]."""
        if self._notes:
            self._add_up()
        at = bisect_right(self._history, time_ns, key=itemgetter(0)) - 1
        since_ns, room, free = self._history[max(at, 0)]
        return room + free * max(time_ns - since_ns, 0) / NS_PER_S

    def _note(self, used: float = 0.0) -> None:
        """What is free from now on has changed, or some of the room has been used."""
        self._notes.append((self.env.now, used, max(self.rate - self._taken, 0.0)))
        if len(self._notes) == MOST_TIMES:
            self._add_up()

    def _add_up(self) -> None:
        since_ns, room, free = self._history[-1]
        for time_ns, used, free_then in self._notes:
            room = room + free * (time_ns - since_ns) / NS_PER_S - used
            self._history.append((time_ns, room, free_then))
            since_ns, free = time_ns, free_then
        self._notes.clear()
        del self._history[:-MOST_TIMES]

    def change_pace(self, factor: float) -> None:
        """From now on it takes so many times as long for what it carries as it was built for."""
        self.rate = self.bytes_per_s / factor
        self._note()

    def close(self) -> None:
        """It is dead: there is no room on it until its pace changes."""
        self._notes.append((self.env.now, 0.0, 0.0))

    def take(self, width: float) -> None:
        """So much of it is taken from now on [bytes/s]."""
        if width == self._taken:
            return
        if not self._taken:
            self._busy_since = self.env.now
        elif not width:
            self.busy_ns += self.env.now - self._busy_since
        self._taken = width
        self._note()

    def join(self, transfer: Transfer) -> None:
        """A transfer goes over the link, behind those that do already."""
        self.flows[transfer] = None
        self.transfers += 1
        self.bytes_sent += transfer.size

    def leave(self, transfer: Transfer, unsent: float = 0.0) -> None:
        """It is not on the link any more; so many bytes of it will not be sent."""
        if transfer in self.flows:
            del self.flows[transfer]
            self.bytes_sent -= unsent


@dataclass(frozen=True, slots=True)
class Path:
    """The way from one replica to another.

    Attributes
    ----------
    shares
        Of the width of each link the most that one transfer gets: only some of the devices at both ends take
        part.
    latency_ns
        Of the whole way [ns].
    """

    links: tuple[Link, ...]
    shares: tuple[float, ...]
    latency_ns: int

    @classmethod
    def over(cls, *links: Link) -> Path:
        """A path that is as fast as its slowest link and as late as all of them."""
        return cls(links, (1.0,) * len(links), sum(link.latency_ns for link in links))

    @property
    def bytes_per_s(self) -> float:
        """Most that one transfer gets at present [bytes/s]."""
        if len(self.links) == 1:  # most often, and asked for every transfer
            return self.links[0].rate * self.shares[0]
        return min(link.rate * share for link, share in zip(self.links, self.shares, strict=True))


class Transfer:
    """Bytes on their way.

    Attributes
    ----------
    rate
        At present [bytes/s]; 0 while it waits.
    left
        Bytes still to be sent at ``since_ns`` [bytes].
    next
        What happens to it next: its last byte leaves or arrives; None while something else happens before.
    through_ns
        When its last byte leaves, at its present rate [ns].
    """

    __slots__ = ("arrived", "left", "next", "path", "rate", "since_ns", "size", "through_ns")

    def __init__(self, path: Path, size: float, arrived: Callable[[], None]) -> None:
        self.path = path
        self.size = size
        self.arrived = arrived
        self.left = size
        self.rate = 0.0
        self.since_ns = 0
        self.through_ns = 0
        self.next: Appointment | None = None

    def move(self, now: int, rate: float) -> None:
        """Its bytes move at this rate from now on."""
        self.left = self.left_by(now)
        self.since_ns = now
        self.rate = rate
        self.through_ns = now + round(self.left / rate * NS_PER_S)

    def call_off(self) -> None:
        """What was to happen next will not."""
        if self.next is not None:
            self.next.cancel()
            self.next = None

    def left_by(self, now: int) -> float:
        """What is still to be sent at a time that is not before ``since_ns`` [bytes]."""
        return max(self.left - self.rate * (now - self.since_ns) / NS_PER_S, 0.0)


class Carrier(ABC):
    """A discipline of sharing links."""

    def __init__(self, env: NsEnvironment) -> None:
        self.env = env

    @abstractmethod
    def send(self, path: Path, size: float, arrived: Callable[[], None]) -> Transfer:
        """Send ``size`` bytes; ``arrived`` is called when the last of them is there."""

    @abstractmethod
    def cancel(self, transfer: Transfer) -> float:
        """It is of no use any more: ``arrived`` is never called; the links are free of it if they can be.

        Returns what is not sent of it therefore [bytes].
        """

    @abstractmethod
    def adapt(self, links: Iterable[Link]) -> None:
        """These links have become slower or faster."""

    def _appoint(self, transfer: Transfer, delay_ns: int, then: Callable[[Transfer], None]) -> None:
        """``then`` happens after a while, unless the transfer gets another appointment before."""

        def due(_: Event) -> None:
            transfer.next = None
            then(transfer)

        transfer.call_off()
        transfer.next = Appointment(self.env, delay_ns, due)

    def _leave(self, transfer: Transfer) -> None:
        """The last byte has left: it arrives after the latency."""
        for link in transfer.path.links:
            link.leave(transfer)
        transfer.left = transfer.rate = 0.0
        self._appoint(transfer, transfer.path.latency_ns, lambda done: done.arrived())

    def _give_up(self, transfer: Transfer) -> float:
        """It goes on no further; returns what is not sent of it [bytes]."""
        transfer.call_off()
        unsent = transfer.left_by(self.env.now)
        for link in transfer.path.links:
            link.leave(transfer, unsent)
        transfer.left = transfer.rate = 0.0
        return unsent


class InTurn(Carrier):
    """First come first served on every link: a transfer begins once it is the first on all of its links."""

    def send(self, path: Path, size: float, arrived: Callable[[], None]) -> Transfer:
        """It has its links to itself when its turn comes."""
        transfer = Transfer(path, size, arrived)
        for link in path.links:
            link.join(transfer)
        self._try(transfer)
        return transfer

    def cancel(self, transfer: Transfer) -> float:
        """Those behind it move up."""
        moved = transfer.rate > 0.0
        unsent = self._give_up(transfer)
        self._move_up(transfer.path, moved)
        return unsent

    def adapt(self, links: Iterable[Link]) -> None:
        """What has its turn on them goes on at another rate."""
        for first in dict.fromkeys(link.first for link in links):
            if first is not None and first.rate:
                self._move_alone(first)

    def _try(self, transfer: Transfer) -> None:
        """Begin, if it is its turn."""
        if transfer.rate:
            return
        for link in transfer.path.links:
            if link.first is not transfer:
                return
        transfer.since_ns = self.env.now
        self._move_alone(transfer)

    def _move_alone(self, transfer: Transfer) -> None:
        for link in transfer.path.links:
            link.take(link.rate)
        transfer.move(self.env.now, transfer.path.bytes_per_s)
        self._appoint(transfer, transfer.through_ns - self.env.now, self._finish)

    def _finish(self, transfer: Transfer) -> None:
        self._leave(transfer)
        self._move_up(transfer.path, moved=True)

    def _move_up(self, path: Path, moved: bool) -> None:
        if moved:
            for link in path.links:
                link.take(0.0)
        for link in path.links:
            if link.flows:
                self._try(next(iter(link.flows)))


class FairShare(Carrier):
    """Max-min fair rates, worked out anew for all transfers that share links whenever one comes or goes.

    Of those that share links the one that is through first has an appointment; the others get new rates then.
    """

    def send(self, path: Path, size: float, arrived: Callable[[], None]) -> Transfer:
        """It begins at once."""
        now = self.env.now
        transfer = Transfer(path, size, arrived)
        transfer.since_ns = now
        for link in path.links:
            link.join(transfer)
        self._share(path.links)
        return transfer

    def cancel(self, transfer: Transfer) -> float:
        """The others get its share."""
        unsent = self._give_up(transfer)
        self._share(transfer.path.links)
        return unsent

    def adapt(self, links: Iterable[Link]) -> None:
        """All that share them, or others with those, get other shares."""
        self._share(links)

    def _finish(self, transfer: Transfer) -> None:
        self._leave(transfer)
        self._share(transfer.path.links)

    def _share(self, changed: Iterable[Link]) -> None:
        """Give all that the change of some links concerns their rates from now on."""
        rest = dict.fromkeys(changed)
        while rest:
            links, transfers = _neighbourhood(next(iter(rest)))
            if transfers:
                self._share_among(transfers)
            for link in links:
                link.take(sum(transfer.rate for transfer in link.flows))
                rest.pop(link, None)

    def _share_among(self, transfers: list[Transfer]) -> None:
        now = self.env.now
        for transfer, rate in max_min_rates(transfers).items():
            transfer.call_off()
            if rate != transfer.rate:
                transfer.move(now, rate)
        first = min(transfers, key=attrgetter("through_ns"))
        self._appoint(first, first.through_ns - now, self._finish)


def _neighbourhood(link: Link) -> tuple[list[Link], list[Transfer]]:
    """A link and all transfers on it, the other links of those, all transfers on them, and so on."""
    found = {link: None}
    transfers: dict[Transfer, None] = {}
    todo = [link]
    while todo:
        for transfer in todo.pop().flows:
            if transfer not in transfers:
                transfers[transfer] = None
                new = [other for other in transfer.path.links if other not in found]
                found.update(dict.fromkeys(new))
                todo += new
    return list(found), list(transfers)


def max_min_rates(transfers: Iterable[Transfer]) -> dict[Transfer, float]:
    """Max-min fair rates [bytes/s] by progressive filling.

    All rates rise together; where a link is full (or a path at its limit), the rates on it stay, and
    the others rise on.
    """
    rising = {transfer: transfer.path.bytes_per_s for transfer in transfers}
    spare: dict[Link, float] = {}
    users: dict[Link, int] = {}
    for transfer in rising:
        for link in transfer.path.links:
            spare.setdefault(link, link.rate)
            users[link] = users.get(link, 0) + 1
    rates: dict[Transfer, float] = {}
    while rising:
        share, full = min(
            ((spare[link] / users[link], link) for link in spare if users[link]), key=lambda pair: pair[0]
        )
        limited = [transfer for transfer, most in rising.items() if most <= share]
        held = limited or [transfer for transfer in rising if full in transfer.path.links]
        for transfer in held:
            rate = max(min(share, rising.pop(transfer)), LEAST_BYTES_PER_S)
            rates[transfer] = rate
            for link in transfer.path.links:
                spare[link] -= rate
                users[link] -= 1
    return rates


#: By the name that a scenario gives.
CARRIERS: dict[str, type[Carrier]] = {"fifo": InTurn, "fair": FairShare}
