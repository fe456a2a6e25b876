"""By priority class: some replicas are kept for urgent requests."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np

from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.engine.routing.ladder import Ladder
from simulator.engine.routing.router import Router


class ByPriority(Router):
    """Least outstanding, but only requests of priority ``urgent`` or less may use all replicas.

    A share ``reserved`` of the replicas (rounded up, at most all but one) is closed to the others;
    urgent requests go to the least loaded of all. (Smaller priorities are more urgent, as in vLLM.)
    """

    listens = True

    def __init__(
        self, replicas: Sequence[Replica], random: np.random.Generator, urgent: int, reserved: float
    ) -> None:
        super().__init__(replicas, random)
        self._urgent = urgent
        self._reserved = reserved
        self._all = Ladder(self.replicas)
        self._open = Ladder(self.replicas[self._closed() :])

    def _closed(self) -> int:
        return min(ceil(self._reserved * len(self.replicas)), max(len(self.replicas) - 1, 0))

    def choose(self, request: Request) -> Replica:
        """Among all, or among those that are open to everybody."""
        return (self._all if request.priority <= self._urgent else self._open).first()

    def sent(self, replica: Replica, request: Request) -> None:
        """One more."""
        self._all.up(replica)
        self._open.up(replica)

    def ended(self, replica: Replica, request: Request) -> None:
        """One fewer."""
        self._all.down(replica)
        self._open.down(replica)

    def join(self, replica: Replica) -> None:
        """The share is taken of those that are there now."""
        super().join(replica)
        self._all.add(replica)
        self._divide()

    def leave(self, replica: Replica) -> None:
        """The share is taken of those that are left."""
        super().leave(replica)
        self._all.remove(replica)
        self._divide()

    def _divide(self) -> None:
        self._open = Ladder(())
        for replica in self.replicas[self._closed() :]:
            self._open.add(replica, self._all.count(replica))
