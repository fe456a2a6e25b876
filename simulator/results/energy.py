"""Energy, electricity and carbon of the measured time.

Energy of the devices = idle draw with weights loaded, all the time, plus the dynamic energy of the steps
above idle, split by phase. Hosts and switches are left out; cooling and conversion come in through the power
usage effectiveness (PUE) where it is given: facility energy = device energy * PUE, carbon = facility energy *
grid intensity, operation only (nothing embodied). One unknown power makes every energy figure unknown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from simulator.results.context import PoolContext, RunContext
from simulator.results.pool_use import measured_span_ns, measured_windows
from simulator.results.recording import PoolRecording, Recording

J_PER_KWH = 3.6e6


@dataclass(frozen=True, slots=True)
class EnergySummary:
    """Energy of the measured time; None where unknown.

    ``total_j`` is ``prefill_j + decode_j + idle_j`` [J] of all devices. ``facility_j`` adds the PUE.
    """

    total_j: float | None
    prefill_j: float | None
    decode_j: float | None
    idle_j: float | None
    mean_power_w: float | None
    per_output_token_j: float | None
    per_request_j: float | None
    facility_j: float | None
    electricity_usd: float | None
    carbon_kg: float | None
    carbon_per_request_g: float | None


@dataclass(frozen=True, slots=True)
class PoolPower:
    """Mean draw of one pool over the measured time [W], by what it went into."""

    prefill_w: float
    decode_w: float
    idle_w: float


def power_of_pool(pool: PoolRecording, context: PoolContext, warmup_ns: int, end_ns: int) -> PoolPower | None:
    """Mean draw of one pool; None where its power is unknown or nothing was measured."""
    part = measured_windows(pool.windows, warmup_ns)
    span_s = measured_span_ns(pool.windows, warmup_ns, end_ns) / 1e9
    if context.idle_w is None or span_s == 0:
        return None
    prefill_w = float(pool.windows.prefill_j[part].sum()) / span_s
    decode_w = float(pool.windows.decode_j[part].sum()) / span_s
    if not (math.isfinite(prefill_w) and math.isfinite(decode_w)):
        return None
    return PoolPower(prefill_w, decode_w, context.idle_w * pool.replicas)


def energy_of(
    recording: Recording, context: RunContext, duration_s: float, *, output_tokens: int, requests: int
) -> EnergySummary:
    """Energy of ``duration_s`` [s] spread over what was finished in it."""
    powers = [
        power_of_pool(pool, about, context.warmup_ns, recording.end_ns)
        for pool, about in zip(recording.pools, context.pools, strict=True)
    ]
    known = [power for power in powers if power is not None]
    if len(known) < len(powers) or not known:
        return EnergySummary(*[None] * 11)
    prefill = sum(p.prefill_w for p in known) * duration_s
    decode = sum(p.decode_w for p in known) * duration_s
    idle = sum(p.idle_w for p in known) * duration_s
    total = prefill + decode + idle
    site = context.site
    facility = None if site.pue is None else total * site.pue
    carbon = _times(facility, site.grid_kg_per_kwh)
    return EnergySummary(
        total_j=total,
        prefill_j=prefill,
        decode_j=decode,
        idle_j=idle,
        mean_power_w=total / duration_s if duration_s else None,
        per_output_token_j=total / output_tokens if output_tokens else None,
        per_request_j=total / requests if requests else None,
        facility_j=facility,
        electricity_usd=_times(facility, site.electricity_usd_per_kwh),
        carbon_kg=carbon,
        carbon_per_request_g=None if carbon is None or requests == 0 else carbon * 1e3 / requests,
    )


def _times(energy_j: float | None, per_kwh: float | None) -> float | None:
    return None if energy_j is None or per_kwh is None else energy_j / J_PER_KWH * per_kwh
