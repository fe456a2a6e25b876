"""Which hardware is cheapest at which load, and where the answer changes.

A load is carried by whole replicas, so the cost of each hardware is a staircase:

    cost per hour = ceil(load / load of one replica) * devices of a replica * price of a device

Left out: that many replicas share a load a little better than one alone carries its part (the comparison at
the scenario's own load is simulated, these curves are not).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from simulator.planning.compare_hardware import Contender

#: Loads that are looked at, from this part to this multiple of the scenario's own [1].
LOWEST, HIGHEST = 1 / 64, 256.0
POINTS = 721


@dataclass(frozen=True, slots=True)
class CostCurve:
    """Cost of one hardware over load.

    Attributes
    ----------
    rate_per_replica
        Load that one replica carries [1/s].
    replica_usd
        Cost of one replica for an hour [USD/h].
    output_tokens
        Of a mean request.
    """

    device: str
    name: str
    rate_per_replica: float
    replica_usd: float
    output_tokens: float

    def per_hour(self, rate: float) -> float:
        """Cost of carrying a load [USD/h]."""
        return ceil(rate / self.rate_per_replica) * self.replica_usd

    def per_million_output_tokens(self, rate: float) -> float:
        """Cost of a million output tokens at a load [USD]."""
        return self.per_hour(rate) / (3600 * rate * self.output_tokens) * 1e6


@dataclass(frozen=True, slots=True)
class Crossover:
    """From ``rate`` [1/s] on, ``after`` is the cheapest and not ``before``."""

    rate: float
    before: str
    after: str


def cost_curve(contender: Contender) -> CostCurve | None:
    """The curve of a contender; None where it has no result or its price is unknown."""
    result, rate = contender.result, contender.rate_per_replica
    if result is None or rate is None:
        return None
    hourly, counts = result.summary.cost.per_hour_usd, result.summary.counts
    if hourly is None or not counts.completed:
        return None
    replica = hourly / result.context.pools[0].replicas
    return CostCurve(contender.device, contender.name, rate, replica, counts.output_tokens / counts.completed)


def loads(rate: float) -> list[float]:
    """Loads around the scenario's own [1/s], evenly spaced in the logarithm."""
    return [float(value) for value in rate * np.geomspace(LOWEST, HIGHEST, POINTS)]


def crossovers(curves: Sequence[CostCurve], rates: Sequence[float]) -> list[Crossover]:
    """Loads from which on another hardware stays the cheapest for at least two points in a row."""
    if not curves:
        return []
    cheapest = [min(curves, key=lambda curve: curve.per_hour(rate)).device for rate in rates]
    found: list[Crossover] = []
    present = cheapest[0]
    for index in range(1, len(rates) - 1):
        new = cheapest[index]
        if new != present and cheapest[index + 1] == new:
            found.append(Crossover(rates[index], present, new))
            present = new
    return found
