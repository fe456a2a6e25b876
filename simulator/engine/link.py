"""Links: how fast they are, what they have carried, and what room they have had.

Who shares a link with whom, and how, is up to the disciplines in `engine.transfer`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

from simulator.units.clock import NS_PER_S

if TYPE_CHECKING:
    from simulator.engine.transfer import Transfer

#: Times of which a link remembers how much room it had had by then.
MOST_TIMES = 4096


@dataclass(frozen=True, slots=True)
class LinkPlan:
    """A link: its bandwidth, one way [bytes/s], and its latency [ns]."""

    bytes_per_s: float
    latency_ns: int = 0


class SerialLink:
    """A link with one sender, who sends one thing after the other."""

    def __init__(self, plan: LinkPlan) -> None:
        self._plan = plan
        self._free_at = 0

    def send(self, now: int, size: float) -> int:
        """Queue ``size`` bytes; returns when the last of them is there [ns]."""
        plan = self._plan
        self._free_at = max(self._free_at, now) + round(size / plan.bytes_per_s * NS_PER_S)
        return self._free_at + plan.latency_ns


class Room:
    """What a link could have carried by any time beside all that it has.

    Parameters
    ----------
    bytes_per_s
        Free from time 0 on.
    """

    def __init__(self, bytes_per_s: float) -> None:
        # Time, room that nobody had used by then, and width that is free from then on [ns, bytes, bytes/s].
        self._history = [(0, 0.0, bytes_per_s)]
        # Times after those, room that was used at them and width free from then on: added up when asked.
        self._notes: list[tuple[int, float, float]] = []

    def note(self, time_ns: int, used: float, free: float) -> None:
        """Bytes have used room that there was, or the free width is another one from then on [bytes/s].

        Times never go back.
        """
        self._notes.append((time_ns, used, free))
        if len(self._notes) == MOST_TIMES:
            self._add_up()

    def use(self, time_ns: int, size: float) -> None:
        """Bytes have used room that there was."""
        last = self._notes[-1] if self._notes else self._history[-1]
        self.note(time_ns, size, last[2])

    def by(self, time_ns: int) -> float:
        """Room that nobody had used by then [bytes]."""
        if self._notes:
            self._add_up()
        at = bisect_right(self._history, time_ns, key=itemgetter(0)) - 1
        since_ns, room, free = self._history[max(at, 0)]
        return room + free * max(time_ns - since_ns, 0) / NS_PER_S

    def _add_up(self) -> None:
        since_ns, room, free = self._history[-1]
        for time_ns, used, free_then in self._notes:
            room = room + free * (time_ns - since_ns) / NS_PER_S - used
            self._history.append((time_ns, room, free_then))
            since_ns, free = time_ns, free_then
        self._notes.clear()
        del self._history[:-MOST_TIMES]


class Link:
    """One way of one link, and what it has carried: up to date after `transfer.Carrier.settle`.

    Parameters
    ----------
    keeps_room
        Whether anybody will ask what room it has had.

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
    free_at
        Where transfers go one after the other: when the last one of those that are through was [ns].
    """

    def __init__(self, plan: LinkPlan, name: str = "", keeps_room: bool = True) -> None:
        self.name = name
        self.bytes_per_s = self.rate = plan.bytes_per_s
        self.latency_ns = plan.latency_ns
        self.bytes_sent = 0.0
        self.busy_ns = 0
        self.transfers = 0
        self.free_at = 0
        self.flows: OrderedDict[Transfer, None] = OrderedDict()  # the first is found at once
        self._room = Room(plan.bytes_per_s) if keeps_room else None
        self._taken = 0.0
        self._busy_since = 0

    @property
    def first(self) -> Transfer | None:
        """Who came before all others that are not through."""
        return next(iter(self.flows), None)

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

    def take(self, width: float, time_ns: int) -> None:
        """So much of it is taken from then on [bytes/s]; times never go back."""
        if width == self._taken:
            return
        if not self._taken:
            self._busy_since = time_ns
        elif not width:
            self.busy_ns += time_ns - self._busy_since
        self._taken = width
        self._note(time_ns)

    def carry_unseen(self, size: float, time_ns: int) -> None:
        """Bytes have used room that there was by then."""
        self.bytes_sent += size
        if self._room is not None:
            self._room.use(time_ns, size)

    def change_pace(self, factor: float, time_ns: int) -> None:
        """From then on it takes so many times as long for what it carries as it was built for."""
        self.rate = self.bytes_per_s / factor
        self._note(time_ns)

    def close(self, time_ns: int) -> None:
        """It is dead: there is no room on it until its pace changes."""
        if self._room is not None:
            self._room.note(time_ns, 0.0, 0.0)

    def room_between(self, begin_ns: int, end_ns: int) -> float:
        """Bytes that it could have carried then beside those that it has."""
        assert self._room is not None
        return self._room.by(end_ns) - self._room.by(begin_ns)

    def begin_to_count(self, now: int) -> None:
        """What it has carried so far is left out; of what is on it, what is left of it counts."""
        self.transfers = len(self.flows)
        self.bytes_sent = sum(transfer.left_by(now) for transfer in self.flows)
        self.busy_ns = 0
        self._busy_since = now

    def _note(self, time_ns: int) -> None:
        if self._room is not None:
            self._room.note(time_ns, 0.0, max(self.rate - self._taken, 0.0))


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
