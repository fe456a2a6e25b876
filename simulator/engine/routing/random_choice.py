"""Random routing: every replica with the same probability."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.engine.routing.router import Router

#: Choices drawn at a time.
DRAWS = 1024


class RandomChoice(Router):
    """Each choice is independent of all others: a Poisson stream splits into Poisson streams."""

    def __init__(self, replicas: Sequence[Replica], random: np.random.Generator) -> None:
        super().__init__(replicas, random)
        self._positions = self._draws(len(self.replicas))

    def choose(self, request: Request) -> Replica:
        """Any of them."""
        return self.replicas[next(self._positions)]

    def join(self, replica: Replica) -> None:
        """One more to draw from."""
        super().join(replica)
        self._positions = self._draws(len(self.replicas))

    def leave(self, replica: Replica) -> None:
        """One fewer to draw from."""
        super().leave(replica)
        self._positions = self._draws(len(self.replicas))

    def _draws(self, replicas: int) -> Iterator[int]:
        while True:
            yield from self.random.integers(replicas, size=DRAWS).tolist()
