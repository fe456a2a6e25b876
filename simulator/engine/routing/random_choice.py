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
        self._positions = self._draws(random)

    def choose(self, request: Request) -> Replica:
        """Any of them."""
        return self.replicas[next(self._positions)]

    def _draws(self, random: np.random.Generator) -> Iterator[int]:
        while True:
            yield from random.integers(len(self.replicas), size=DRAWS).tolist()
