"""Water of the measured time: evaporated on site for cooling, and to make the electricity.

    litres = IT energy * (site WUE + PUE * grid WUE)

with WUE the water usage effectiveness [l/kWh]. Water of making the hardware is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.results.context import RunContext
from simulator.results.energy import J_PER_KWH, EnergySummary
from simulator.results.ranges import Range, named, per, times, total


@dataclass(frozen=True, slots=True)
class WaterSummary:
    """Water of the measured time [l]; None where unknown."""

    litres: Range | None = None
    site_litres: Range | None = None
    grid_litres: Range | None = None
    per_request_ml: Range | None = None

    def keys(self) -> dict[str, Any]:
        """Flat keys of a summary."""
        return {**named("water_l", self.litres), **named("water_per_request_ml", self.per_request_ml)}


def water_of(context: RunContext, energy: EnergySummary, requests: int) -> WaterSummary:
    """Water behind an energy, spread over the requests that finished."""
    kwh = times(energy.it_j, 1 / J_PER_KWH)
    site = times(kwh, context.site.site_l_per_kwh)
    grid = times(times(kwh, context.site.pue), context.site.grid_l_per_kwh)
    litres = total((site, grid))
    return WaterSummary(litres, site, grid, per(times(litres, 1e3), requests))
