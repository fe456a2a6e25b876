"""Accuracy over tokens: so many points per doubling, between the points that were published.

acc = A + B log2(tokens) holds piecewise between published efforts of one model on one task set; outside
of them nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log2


@dataclass(frozen=True, slots=True)
class EffortPoint:
    """What one effort costs and reaches: mean tokens per task and share right."""

    effort: str
    tokens: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Doubling:
    """Gain between two efforts."""

    start: EffortPoint
    end: EffortPoint

    @property
    def points_per_doubling(self) -> float:
        """Percentage points for twice the tokens."""
        gained = 100.0 * (self.end.accuracy - self.start.accuracy)
        return gained / log2(self.end.tokens / self.start.tokens)


def doublings(points: Sequence[EffortPoint]) -> list[Doubling]:
    """Gains from each effort to the next, by tokens."""
    ordered = sorted(points, key=lambda point: point.tokens)
    return [Doubling(a, b) for a, b in pairwise(ordered)]
