"""Transfers of KV caches over paths of links, and how they share those.

Two disciplines:

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
from collections.abc import Callable, Iterable
from math import inf
from operator import attrgetter

from simpy.events import Event

from simulator.engine.link import Link, Path
from simulator.engine.timing import Appointment, NsEnvironment
from simulator.units.clock import NS_PER_S

#: What rounding must not go below [bytes/s].
LEAST_BYTES_PER_S = 1e-3


class Transfer:
    """Bytes on their way.

    Attributes
    ----------
    rate
        Its bytes move at it from ``since_ns`` on [bytes/s]; 0 while it waits, and once the last has left.
    left
        Bytes still to be sent at ``since_ns`` [bytes].
    next
        What happens to it next: its last byte leaves or arrives; None while something else happens before.
    through_ns
        When its last byte leaves, at that rate [ns].
    since_ns
        While it waits, when it came [ns].
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

    def move(self, since_ns: int, rate: float) -> None:
        """Its bytes move at this rate from then on."""
        self.left = self.left_by(since_ns)
        self.since_ns = since_ns
        self.rate = rate
        self.through_ns = since_ns + round(self.left / rate * NS_PER_S)

    def arrive(self, _: Event) -> None:
        """The last byte is there."""
        self.next = None
        self.arrived()

    def call_off(self) -> None:
        """What was to happen next will not."""
        if self.next is not None:
            self.next.cancel()
            self.next = None

    def left_by(self, now: int) -> float:
        """What is still to be sent then [bytes]."""
        if now <= self.since_ns:
            return self.left
        return max(self.left - self.rate * (now - self.since_ns) / NS_PER_S, 0.0)


class Carrier(ABC):
    """A discipline of sharing links."""

    def __init__(self, env: NsEnvironment) -> None:
        self.env = env

    @abstractmethod
    def send(self, path: Path, size: float, arrived: Callable[[], None]) -> Transfer:
        """Send ``size`` bytes; ``arrived`` is called when the last of them is there."""

    def cancel(self, transfer: Transfer) -> float:
        """It is of no use any more: ``arrived`` is never called; the links are free of it if they can be.

        Returns what is not sent of it therefore [bytes].
        """
        links = transfer.path.links
        self.settle(links)
        transfer.call_off()
        if transfer not in links[0].flows:
            return 0.0
        unsent = transfer.left_by(self.env.now)
        for link in links:
            link.leave(transfer, unsent)
        self._share(links)
        return unsent

    def change_pace(self, links: Iterable[Link], factor: float) -> None:
        """From now on these links take so many times as long as they were built for."""
        links = tuple(links)
        self.settle(links)
        for link in links:
            link.change_pace(factor, self.env.now)
        self._share(links)

    @abstractmethod
    def settle(self, links: Iterable[Link]) -> None:
        """Let these links know all that has happened on them by now."""

    @abstractmethod
    def _share(self, links: Iterable[Link]) -> None:
        """Work out anew how what is on them, or behind it, goes on."""


class InTurn(Carrier):
    """First come first served on every link: a transfer begins once it is the first on all of its links.

    Over a single link a transfer takes one event, its arrival: that the next one began a latency earlier,
    when the last byte had left, is looked up then, or when somebody asks before (``settle``). Over several
    links the last byte is an event of its own, for those behind it may have a shorter way. (No link is the
    whole path of some and part of that of others.)
    """

    def send(self, path: Path, size: float, arrived: Callable[[], None]) -> Transfer:
        """It has its links to itself when its turn comes."""
        transfer = Transfer(path, size, arrived)
        transfer.since_ns = self.env.now
        for link in path.links:
            link.join(transfer)
        self._begin_if_first(transfer)
        return transfer

    def settle(self, links: Iterable[Link]) -> None:
        """Who is through leaves the links, and who is next begins."""
        now = self.env.now
        for link in links:
            while (first := link.first) is not None and first.rate and first.through_ns <= now:
                self._pass_on(first)

    def _begin_if_first(self, transfer: Transfer) -> None:
        """Where it is the first everywhere it begins: when it came, or the last before it was through."""
        links = transfer.path.links
        begin_ns = transfer.since_ns
        for link in links:
            if link.first is not transfer:
                return
            if link.free_at > begin_ns:
                begin_ns = link.free_at
        for link in links:
            link.take(inf, begin_ns)  # all of it, whatever that is
        self._move(transfer, begin_ns)

    def _move(self, transfer: Transfer, since_ns: int) -> None:
        path = transfer.path
        transfer.move(since_ns, path.bytes_per_s)
        end_ns = transfer.through_ns
        if len(path.links) == 1:
            end_ns += path.latency_ns
        assert end_ns >= self.env.now, "a link is the whole path of some and part of that of others"
        transfer.next = Appointment(self.env, end_ns - self.env.now, lambda _: self._end(transfer))

    def _end(self, transfer: Transfer) -> None:
        transfer.next = None
        if transfer.rate:
            self._pass_on(transfer)
        if len(transfer.path.links) == 1:
            transfer.arrived()
        else:
            transfer.next = Appointment(self.env, transfer.path.latency_ns, transfer.arrive)

    def _pass_on(self, transfer: Transfer) -> None:
        """Its last byte has left: whoever is first now begins."""
        through_ns = transfer.through_ns
        transfer.left = transfer.rate = 0.0
        links = transfer.path.links
        for link in links:
            link.leave(transfer)
            link.take(0.0, through_ns)
            link.free_at = through_ns
        for link in links:
            if (first := link.first) is not None and not first.rate:
                self._begin_if_first(first)

    def _share(self, links: Iterable[Link]) -> None:
        """Who moves goes on at the rate that there is; where nobody does, the first may begin now."""
        now = self.env.now
        firsts = []
        for link in links:
            first = link.first
            if first is None or not first.rate:
                link.take(0.0, now)
                link.free_at = now
            firsts.append(first)
        for first in dict.fromkeys(firsts):
            if first is None:
                continue
            if not first.rate:
                self._begin_if_first(first)
            elif first.rate != first.path.bytes_per_s:
                first.call_off()
                self._move(first, now)


class FairShare(Carrier):
    """Max-min fair rates, worked out anew for all transfers that share links whenever one comes or goes.

    Of those that share links the one that is through first has an appointment; the others get new rates then.
    """

    def send(self, path: Path, size: float, arrived: Callable[[], None]) -> Transfer:
        """It begins at once."""
        transfer = Transfer(path, size, arrived)
        transfer.since_ns = self.env.now
        for link in path.links:
            link.join(transfer)
        self._share(path.links)
        return transfer

    def settle(self, links: Iterable[Link]) -> None:
        """Nothing to do: whatever happens on a link is an event."""

    def _finish(self, transfer: Transfer) -> None:
        """The last byte has left: it arrives after the latency."""
        for link in transfer.path.links:
            link.leave(transfer)
        transfer.next = Appointment(self.env, transfer.path.latency_ns, transfer.arrive)
        self._share(transfer.path.links)

    def _share(self, links: Iterable[Link]) -> None:
        """Give all that the change of some links concerns their rates from now on."""
        now = self.env.now
        rest = dict.fromkeys(links)
        while rest:
            concerned, transfers = _neighbourhood(next(iter(rest)))
            if transfers:
                self._share_among(transfers)
            for link in concerned:
                link.take(sum(transfer.rate for transfer in link.flows), now)
                rest.pop(link, None)

    def _share_among(self, transfers: list[Transfer]) -> None:
        now = self.env.now
        for transfer, rate in max_min_rates(transfers).items():
            transfer.call_off()
            if rate != transfer.rate:
                transfer.move(now, rate)
        first = min(transfers, key=attrgetter("through_ns"))
        first.next = Appointment(self.env, first.through_ns - now, lambda _: self._finish(first))


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
