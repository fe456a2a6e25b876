"""Measured over modelled times on a grid, interpolated along logarithms and held at the grid's edges."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Line:
    """Ratios at rising points."""

    points: tuple[float, ...]
    ratios: tuple[float, ...]

    def at(self, x: float) -> float:
        """The ratio at ``x``."""
        points, ratios = self.points, self.ratios
        right = bisect_right(points, x)
        if right == 0:
            return ratios[0]
        if right == len(points):
            return ratios[-1]
        low, high = points[right - 1], points[right]
        share = log(x / low) / log(high / low)
        return ratios[right - 1] + share * (ratios[right] - ratios[right - 1])


@dataclass(frozen=True, slots=True)
class Grid:
    """Ratios over two rising axes, shape (first, second)."""

    first: tuple[float, ...]
    second: tuple[float, ...]
    ratios: Floats

    def at(self, x: float, y: float) -> float:
        """The ratio at a point."""
        low, high, share = between(self.first, x)
        left, right, part = between(self.second, y)
        below = self.ratios[low, left] * (1 - part) + self.ratios[low, right] * part
        above = self.ratios[high, left] * (1 - part) + self.ratios[high, right] * part
        return float(below * (1 - share) + above * share)


def between(points: Sequence[float], x: float) -> tuple[int, int, float]:
    """Neighbours of ``x`` among rising points, and its share of the way between them by logarithm."""
    right = bisect_right(points, x)
    if right == 0:
        return 0, 0, 0.0
    if right == len(points):
        return right - 1, right - 1, 0.0
    low, high = points[right - 1], points[right]
    return right - 1, right, log(x / low) / log(high / low)


def filled(ratios: Floats) -> Floats:
    """A grid with NaN where nothing was measured, those filled from the nearest in the same row."""
    whole = ratios.copy()
    for row in whole:
        known = np.flatnonzero(~np.isnan(row))
        if len(known):
            nearest = known[np.argmin(np.abs(np.arange(len(row))[:, None] - known[None, :]), axis=1)]
            row[:] = row[nearest]
    return whole
