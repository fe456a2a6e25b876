"""Round robin: the replicas in turn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import numpy as np

from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.engine.routing.router import Router


class RoundRobin(Router):
    """Every replica gets every n-th request, whatever its load."""

    def __init__(self, replicas: Sequence[Replica], random: np.random.Generator) -> None:
        super().__init__(replicas, random)
        self._turns = cycle(self.replicas)

    def choose(self, request: Request) -> Replica:
        """The next in turn."""
        return next(self._turns)

    def join(self, replica: Replica) -> None:
        """The newcomer is the last of the turn that begins now."""
        order = self._order()
        order.append(replica)
        self._begin(order)

    def leave(self, replica: Replica) -> None:
        """The others keep their order."""
        order = self._order()
        order.remove(replica)
        self._begin(order)

    def _order(self) -> list[Replica]:
        """The replicas, from the next in turn on."""
        return [next(self._turns) for _ in self.replicas]

    def _begin(self, order: list[Replica]) -> None:
        self.replicas = order
        self._turns = cycle(order)
