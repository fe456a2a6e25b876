"""Least outstanding requests, also known as join the shortest queue."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.engine.routing.ladder import Ladder
from simulator.engine.routing.router import Router


class LeastOutstanding(Router):
    """The replica with the fewest requests that were sent to it and have not ended.

    Among equals the one that has waited longest for a request.
    """

    listens = True

    def __init__(self, replicas: Sequence[Replica], random: np.random.Generator) -> None:
        super().__init__(replicas, random)
        self._ladder = Ladder(self.replicas)

    def choose(self, request: Request) -> Replica:
        """The first of the lowest rung."""
        return self._ladder.first()

    def sent(self, replica: Replica, request: Request) -> None:
        """The replica moves up by one."""
        self._ladder.up(replica)

    def ended(self, replica: Replica, request: Request) -> None:
        """The replica moves down by one."""
        self._ladder.down(replica)

    def join(self, replica: Replica) -> None:
        """It begins with what it has."""
        super().join(replica)
        self._ladder.add(replica)

    def leave(self, replica: Replica) -> None:
        """It is not counted any more."""
        super().leave(replica)
        self._ladder.remove(replica)
