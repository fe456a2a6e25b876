"""Greenhouse gases of the measured time: of the electricity where it is used, and of making the hardware.

Operation is location-based: facility energy * intensity of the region's grid, whatever certificates the
operator buys. Where the intensity is given by hour of the day, the energy of every window of the run meets
the intensity of its hour: steps, idle draw, and hosts at the middle of what they may draw. The hardware's own
emissions (embodied) are spread evenly over its life and stand apart, for they are neither measured nor
avoidable by running less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.results.context import PoolContext, RunContext
from simulator.results.energy import J_PER_KWH, EnergySummary
from simulator.results.fleet import mean_on, on_between
from simulator.results.pool_use import measured_windows
from simulator.results.ranges import Range, mid, named, per, times, total
from simulator.results.recording import Recording

HOURS_PER_DAY = 24
NS_PER_HOUR = 3_600_000_000_000
SECONDS_PER_YEAR = 365.25 * 24 * 3600


@dataclass(frozen=True, slots=True)
class CarbonSummary:
    """Emissions of the measured time [kg CO2e], operation and hardware apart; None where unknown."""

    operational_kg: Range | None = None
    embodied_kg: Range | None = None
    per_request_g: Range | None = None
    embodied_per_request_g: Range | None = None

    def keys(self) -> dict[str, Any]:
        """Flat keys of a summary."""
        return {
            **named("carbon_kg", self.operational_kg),
            **named("carbon_per_request_g", self.per_request_g),
            **named("embodied_carbon_kg", self.embodied_kg),
            **named("embodied_carbon_per_request_g", self.embodied_per_request_g),
        }


def carbon_of(
    recording: Recording, context: RunContext, energy: EnergySummary, duration_s: float, requests: int
) -> CarbonSummary:
    """Emissions of ``duration_s`` [s] spread over the requests that finished in it."""
    kwh = times(energy.facility_j, 1 / J_PER_KWH)
    operational = times(kwh, grid_intensity(recording, context))
    embodied = embodied_of(recording, context, duration_s)
    return CarbonSummary(
        operational_kg=operational,
        embodied_kg=embodied,
        per_request_g=per(times(operational, 1e3), requests),
        embodied_per_request_g=per(times(embodied, 1e3), requests),
    )


def grid_intensity(recording: Recording, context: RunContext) -> Range | None:
    """Carbon intensity of the run's electricity [kg CO2e/kWh], weighted by energy where it varies by hour."""
    by_hour = context.site.grid_kg_per_kwh_by_hour
    if by_hour is None:
        return context.site.grid_kg_per_kwh
    energy_j = np.zeros(HOURS_PER_DAY)
    for pool, about in zip(recording.pools, context.pools, strict=True):
        windows = pool.windows
        part = measured_windows(windows, context.warmup_ns)
        edges_ns = np.arange(len(windows.steps) + 1)[part] * windows.width_ns
        on = on_between(pool, edges_ns.astype(np.float64))
        resting_j = _at_rest_w(about) * on * windows.width_ns / 1e9
        used = windows.prefill_j[part] + windows.decode_j[part] + resting_j
        hours = (edges_ns[:-1] // NS_PER_HOUR + context.site.first_hour) % HOURS_PER_DAY
        energy_j += np.bincount(hours, used, HOURS_PER_DAY)
    used_j = float(energy_j.sum())
    if not used_j > 0:
        return None
    return Range.exactly(float(energy_j @ np.array(by_hour)) / used_j)


def _at_rest_w(pool: PoolContext) -> float:
    """What a replica that is on draws with its hosts, whether it works or not [W]; of these what is known."""
    return (pool.idle_w or 0.0) + (mid(times(pool.host_w, pool.devices_per_replica)) or 0.0)


def embodied_of(recording: Recording, context: RunContext, duration_s: float) -> Range | None:
    """Emissions of making all devices and their share of servers, for ``duration_s`` of their life [kg]."""
    share = duration_s / (context.life_years * SECONDS_PER_YEAR)
    made = total(
        times(
            about.embodied_kg, about.devices_per_replica * mean_on(pool, context.warmup_ns, recording.end_ns)
        )
        for pool, about in zip(recording.pools, context.pools, strict=True)
    )
    return times(made, share)
