"""A distribution of whole tokens as a table of cumulative probabilities.

Every length distribution, however it is described, becomes one such table when the
workload is built. Drawing is then one binary search, whatever the distribution, and one
uniform number per request: mixtures, point masses, limits and copulas need nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LengthTable:
    """P(length <= first + i) for i = 0, 1, ...

    Attributes
    ----------
    first
        Shortest length [tokens].
    cumulative
        Rising to exactly 1, shape (lengths,).
    bounded
        Whether the longest length is a limit of the workload, and not just where the tail
        of the distribution became too thin to matter.
    """

    first: int
    cumulative: Floats
    bounded: bool

    @property
    def last(self) -> int:
        """Longest length [tokens]."""
        return self.first + len(self.cumulative) - 1

    def draw(self, uniform: Floats) -> NDArray[np.int32]:
        """Lengths at the given uniform numbers in [0, 1), i.e. the inverse distribution function."""
        if len(self.cumulative) == 1:
            return np.full(len(uniform), self.first, dtype=np.int32)
        index = np.searchsorted(self.cumulative, uniform, side="right")
        return (np.minimum(index, len(self.cumulative) - 1) + self.first).astype(np.int32)

    def clamped(self, low: int, high: int | None) -> LengthTable:
        """The same lengths with everything outside [low, high] moved to the limits."""
        first = max(self.first, low) if high is None else min(max(self.first, low), high)
        last = max(self.last, first) if high is None else min(max(self.last, first), high)
        bounded = self.bounded or high is not None
        if (first, last) == (self.first, self.last):
            return LengthTable(first, self.cumulative, bounded)
        cumulative = self._at(np.arange(first, last + 1))
        cumulative[-1] = 1.0
        return LengthTable(first, cumulative, bounded)

    def _at(self, lengths: NDArray[np.int64]) -> Floats:
        """P(length <= each of the given lengths)."""
        index = np.clip(lengths - self.first, -1, len(self.cumulative) - 1)
        return np.where(index < 0, 0.0, self.cumulative[index])


def blended(weights: Sequence[float], tables: Sequence[LengthTable]) -> LengthTable:
    """The mixture of several tables by weight."""
    first = min(table.first for table in tables)
    lengths = np.arange(first, max(table.last for table in tables) + 1)
    total = sum(weights)
    cumulative = np.zeros(len(lengths))
    for weight, table in zip(weights, tables, strict=True):
        cumulative += weight / total * table._at(lengths)
    cumulative[-1] = 1.0
    return LengthTable(first, cumulative, all(table.bounded for table in tables))
