"""Power of two choices: the less loaded of two replicas drawn at random.

Two are enough for most of the gain: with n replicas the longest queue grows as log log n, instead of
log n / log log n for one choice (Mitzenmacher, "The power of two choices in randomized load
balancing", IEEE TPDS 2001). No state is shared but the two loads that are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.engine.routing.counting import CountingRouter

#: Draws made at a time.
DRAWS = 1024


class PowerOfTwo(CountingRouter):
    """The one with the fewest outstanding requests of ``choices`` different replicas drawn at random.

    The first drawn wins a tie. With as many choices as replicas (or more) all are looked at.
    """

    def __init__(self, replicas: Sequence[Replica], random: np.random.Generator, choices: int = 2) -> None:
        super().__init__(replicas, random)
        self._choices = choices
        self._uniform = self._draws()

    def choose(self, request: Request) -> Replica:
        """The least loaded of the draw."""
        return min(self._drawn(), key=self.load.__getitem__)

    def _drawn(self) -> list[Replica]:
        """Different replicas: the first steps of a Fisher-Yates shuffle, on a copy of what it touches."""
        replicas = self.replicas
        moved: dict[int, int] = {}
        drawn = []
        left = len(replicas)
        for _ in range(min(self._choices, left)):
            position = int(next(self._uniform) * left)
            left -= 1
            drawn.append(replicas[moved.get(position, position)])
            moved[position] = moved.get(left, left)
        return drawn

    def _draws(self) -> Iterator[float]:
        while True:
            yield from self.random.random(DRAWS).tolist()
