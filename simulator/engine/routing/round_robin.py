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
