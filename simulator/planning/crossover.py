"""Which hardware is cheapest at which load, and where the answer changes.

A load is carried by whole units, so the cost of each hardware is a staircase:

    cost per hour = units * cost of a unit + spares * cost of a unit at rest
    units         = ceil(load / what one unit holds)

At the scenario's own load the units are simulated, not reckoned. Several units share a load better than one
alone holds its part, so more load than that takes no more per unit than there, and less load no more units.
What lies between is a sketch: no other load is simulated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from simulator.planning.compare_hardware import Contender
from simulator.results.ranges import mid

#: Loads that are looked at, from this part to this multiple of the scenario's own [1].
LOWEST, HIGHEST = 1 / 64, 256.0
POINTS = 721
#: A load that so many units just carry takes no more for the rounding of floats [1].
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class CostCurve:
    """Cost of one hardware over load.

    Attributes
    ----------
    rate_per_unit
        Load that one unit alone holds [1/s].
    rate, units
        The scenario's own load [1/s], and how many units it was found to take.
    unit_usd
        Cost of one unit for an hour [USD/h].
    output_tokens
        Of a mean request.
    spare_usd
        Cost of all units on top that may fail [USD/h].
    """

    name: str
    rate_per_unit: float
    rate: float
    units: int
    unit_usd: float
    output_tokens: float
    spare_usd: float = 0.0

    def per_hour(self, rate: float) -> float:
        """Cost of carrying a load [USD/h]."""
        return self._units(rate) * self.unit_usd + self.spare_usd

    def _units(self, rate: float) -> int:
        if rate < self.rate:
            return min(ceil(rate / self.rate_per_unit), self.units)
        each = max(self.rate_per_unit, self.rate / self.units)
        return max(ceil(rate / each - _ROUNDING), self.units)

    def per_million_output_tokens(self, rate: float) -> float:
        """Cost of a million output tokens at a load [USD]."""
        return self.per_hour(rate) / (3600 * rate * self.output_tokens) * 1e6


@dataclass(frozen=True, slots=True)
class Crossover:
    """From ``rate`` [1/s] on, ``after`` is the cheapest and not ``before``."""

    rate: float
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class CheapestSpan:
    """Loads of which one hardware is the cheapest [1/s]; ``end`` is None beyond the highest looked at."""

    start: float
    end: float | None

    def to_dict(self) -> dict[str, float | None]:
        """Plain JSON values."""
        return {"from_per_s": self.start, "to_per_s": self.end}


def cost_curve(contender: Contender, rate: float) -> CostCurve | None:
    """The curve of a contender around the scenario's ``rate`` [1/s].

    None where it has no design, or its price or what one unit of it holds is unknown.
    """
    candidate, result, alone = contender.candidate, contender.result, contender.rate_per_unit
    if candidate.found is None or result is None or alone is None:
        return None
    hourly, counts = mid(candidate.usd_per_hour), result.summary.counts
    each = mid(candidate.unit_usd)
    if hourly is None or each is None or not counts.completed:
        return None
    return CostCurve(
        name=contender.name,
        rate_per_unit=alone,
        rate=rate,
        units=candidate.found.units,
        unit_usd=each,
        output_tokens=counts.output_tokens / counts.completed,
        spare_usd=hourly - each * candidate.found.units,
    )


def curves_of(contenders: Sequence[Contender], rate: float) -> list[CostCurve]:
    """The curves of all contenders that have one."""
    return [curve for one in contenders if (curve := cost_curve(one, rate)) is not None]


def loads(rate: float) -> list[float]:
    """Loads around the scenario's own [1/s], evenly spaced in the logarithm."""
    return [float(value) for value in rate * np.geomspace(LOWEST, HIGHEST, POINTS)]


def crossovers(curves: Sequence[CostCurve], rates: Sequence[float]) -> list[Crossover]:
    """Loads from which on another hardware stays the cheapest for at least two points in a row."""
    if not curves:
        return []
    cheapest = [min(curves, key=lambda curve: curve.per_hour(rate)).name for rate in rates]
    found: list[Crossover] = []
    present = cheapest[0]
    for index in range(1, len(rates) - 1):
        new = cheapest[index]
        if new != present and cheapest[index + 1] == new:
            found.append(Crossover(rates[index], present, new))
            present = new
    return found


def cheapest_spans(contenders: Sequence[Contender], rate: float | None) -> dict[str, list[CheapestSpan]]:
    """The loads around the scenario's ``rate`` [1/s] of which each priced contender is the cheapest.

    Empty where the scenario has no rate.
    """
    curves = [] if rate is None else curves_of(contenders, rate)
    spans: dict[str, list[CheapestSpan]] = {curve.name: [] for curve in curves}
    if rate is None or not curves:
        return spans
    rates = loads(rate)
    changes = crossovers(curves, rates)
    first = min(curves, key=lambda curve: curve.per_hour(rates[0])).name
    starts = [(rates[0], first), *((change.rate, change.after) for change in changes)]
    ends = [*(change.rate for change in changes), None]
    for (start, name), end in zip(starts, ends, strict=True):
        spans[name].append(CheapestSpan(start, end))
    return spans
