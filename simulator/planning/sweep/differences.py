"""Differences of designs to the first, under the same traffic, with intervals.

Latencies are compared by the means of batches of consecutive requests: the same requests in both designs, so
that what they have in common falls out, and few enough batches that what follows each other in a queue stays
together (`planning.paired` does the same within one process). All other figures are compared seed by seed,
which takes two seeds at least.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.planning.intervals import half_width
from simulator.planning.paired import LATENCIES
from simulator.planning.sweep.designs import Design
from simulator.planning.sweep.point import PointRecord

#: Figures that are compared seed by seed.
FIGURES = (
    "slo_attainment",
    "request_goodput",
    "cost_per_hour_usd",
    "cost_per_million_output_tokens_usd",
    "energy_per_output_token_j",
)


@dataclass(frozen=True, slots=True)
class Difference:
    """A design minus the first in one metric, with its 95 % interval (None where too little is known)."""

    metric: str
    mean: float
    low: float | None
    high: float | None

    @property
    def significant(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def differences_to(first: Design, other: Design) -> list[Difference]:
    """``other - first`` in every latency [ms] and figure that both know; empty where the traffic differs."""
    pairs = _pairs(first, other)
    if not pairs:
        return []
    found = []
    for _, name in LATENCIES:
        gaps = [gap for one, two in pairs for gap in _batch_gaps(one, two, name)]
        if gaps:
            found.append(_difference(f"mean {name} [ms]", gaps))
    for key in FIGURES:
        values = [(one.figures.get(key), two.figures.get(key)) for one, two in pairs]
        if all(isinstance(value, int | float) for pair in values for value in pair):
            found.append(_difference(key, [float(two) - float(one) for one, two in values]))  # type: ignore[arg-type]
    return found


def _pairs(first: Design, other: Design) -> list[tuple[PointRecord, PointRecord]]:
    """Records of equal seeds that served the same requests."""
    by_seed = {record.seed: record for record in first.records}
    both = [(by_seed[record.seed], record) for record in other.records if record.seed in by_seed]
    return [(one, two) for one, two in both if one.traffic == two.traffic]


def _batch_gaps(one: PointRecord, two: PointRecord, name: str) -> list[float]:
    batches = zip(one.batches.get(name, ()), two.batches.get(name, ()), strict=False)
    return [b - a for a, b in batches if a is not None and b is not None]


def _difference(metric: str, gaps: Sequence[float]) -> Difference:
    mean, half = float(np.mean(gaps)), half_width(gaps)
    return Difference(metric, mean, None, None) if half is None else _around(metric, mean, half)


def _around(metric: str, mean: float, half: float) -> Difference:
    return Difference(metric, mean, mean - half, mean + half)
