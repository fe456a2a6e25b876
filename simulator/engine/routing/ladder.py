"""Replicas on a ladder: rung ``n`` holds those with ``n`` requests, so that the least loaded is at hand.

A number of requests changes by one at a time, so a step on the ladder takes constant time whatever
the number of replicas (`python -m benchmarks`, figures ``cluster.*``).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from simulator.engine.replica import Replica


class Ladder:
    """Counts the requests of each replica.

    Among replicas with equally many the one that has been on its rung longest comes first, so that an
    idle cluster is used evenly.
    """

    def __init__(self, replicas: Iterable[Replica]) -> None:
        self._count: dict[Replica, int] = dict.fromkeys(replicas, 0)
        # (A plain dict would search for its first entry past all those that have left.)
        self._rungs: list[OrderedDict[Replica, None]] = [OrderedDict.fromkeys(self._count)]
        self._least = 0

    def first(self) -> Replica:
        """The first of the lowest rung that holds anybody."""
        return next(iter(self._rungs[self._least]))

    @property
    def least(self) -> int:
        """Requests of the least loaded replica."""
        return self._least

    def up(self, replica: Replica) -> None:
        """One request more; nothing where the replica does not stand here (any more)."""
        count = self._count.get(replica)
        if count is None:
            return
        rungs = self._rungs
        rung = rungs[count]
        del rung[replica]
        self._count[replica] = count + 1
        if count + 1 == len(rungs):
            rungs.append(OrderedDict())
        rungs[count + 1][replica] = None
        if not rung and count == self._least:
            self._least = count + 1

    def down(self, replica: Replica) -> None:
        """One request fewer; nothing where the replica does not stand here (any more)."""
        count = self._count.get(replica)
        if count is None:
            return
        del self._rungs[count][replica]
        count -= 1
        self._count[replica] = count
        self._rungs[count][replica] = None
        if count < self._least:
            self._least = count

    def __len__(self) -> int:
        return len(self._count)

    def has(self, replica: Replica) -> bool:
        """Whether the replica stands here."""
        return replica in self._count

    def count(self, replica: Replica) -> int:
        """Requests of a replica that stands here."""
        return self._count[replica]

    def add(self, replica: Replica, count: int | None = None) -> None:
        """A replica steps onto the rung of ``count``, or of what it has."""
        if count is None:
            count = replica.outstanding
        while len(self._rungs) <= count:
            self._rungs.append(OrderedDict())
        self._count[replica] = count
        self._rungs[count][replica] = None
        self._least = count if len(self._count) == 1 else min(self._least, count)

    def remove(self, replica: Replica) -> None:
        """A replica leaves, with whatever it has."""
        del self._rungs[self._count.pop(replica)][replica]
        while self._count and not self._rungs[self._least]:
            self._least += 1
