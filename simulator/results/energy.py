"""Energy of the measured time: devices by phase, their hosts, the facility.

Energy of the devices = idle draw with weights loaded, as long as they are on, plus the dynamic energy of the
steps above idle, split by phase. Cooling and conversion come in through the power usage effectiveness (PUE):

    IT energy = devices + hosts        facility energy = IT energy * PUE

One unknown device makes every energy unknown. Hosts whose draw is unknown are left out of IT and facility
energy, those of other pools are not; the summary, a message and the tables say whose are missing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from simulator.results.context import PoolContext, RunContext
from simulator.results.fleet import mean_on
from simulator.results.hosts import NONE_MISSING, MissingHosts, host_draws, missing_hosts
from simulator.results.pool_use import measured_span_ns, measured_windows
from simulator.results.ranges import Range, named, per, times, total
from simulator.results.recording import PoolRecording, Recording

J_PER_KWH = 3.6e6


@dataclass(frozen=True, slots=True)
class PoolEnergy:
    """One pool's part of the facility's energy.

    ``facility_j`` is that of its devices and their hosts with the PUE [J], the parts of all pools together
    the facility's; ``working_share`` the part of its devices' energy that is not idle draw [1].
    """

    facility_j: Range | None
    working_share: float


@dataclass(frozen=True, slots=True)
class EnergySummary:
    """Energy of the measured time; None where unknown.

    ``total_j`` is ``prefill_j + decode_j + idle_j`` [J] of all devices; ``host_j`` that of their hosts but
    the ``missing`` ones, ``it_j`` both, ``facility_j`` with the PUE; ``pools`` are its parts, none where it
    is unknown.
    """

    total_j: float | None = None
    prefill_j: float | None = None
    decode_j: float | None = None
    idle_j: float | None = None
    mean_power_w: float | None = None
    per_output_token_j: float | None = None
    per_request_j: float | None = None
    host_j: Range | None = None
    it_j: Range | None = None
    facility_j: Range | None = None
    facility_per_output_token_j: Range | None = None
    pools: tuple[PoolEnergy, ...] = ()
    missing: MissingHosts = NONE_MISSING

    def keys(self) -> dict[str, Any]:
        """Flat keys of a summary."""
        return {
            "energy_j": self.total_j,
            "energy_prefill_j": self.prefill_j,
            "energy_decode_j": self.decode_j,
            "energy_idle_j": self.idle_j,
            "mean_power_w": self.mean_power_w,
            "energy_per_output_token_j": self.per_output_token_j,
            "energy_per_request_j": self.per_request_j,
            **named("energy_host_j", self.host_j),
            "energy_leaves_out_hosts_of_pools": None if self.total_j is None else list(self.missing.names),
            **named("facility_energy_j", self.facility_j),
            **named("facility_energy_per_output_token_j", self.facility_per_output_token_j),
        }


@dataclass(frozen=True, slots=True)
class PoolPower:
    """Mean draw of one pool over the measured time [W], by what it went into."""

    prefill_w: float
    decode_w: float
    idle_w: float

    @property
    def devices_w(self) -> float:
        """Draw of the devices [W]."""
        return self.prefill_w + self.decode_w + self.idle_w

    @property
    def working_share(self) -> float:
        """Part of it above idle draw [1]."""
        return (self.prefill_w + self.decode_w) / self.devices_w if self.devices_w else 0.0


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
    return PoolPower(prefill_w, decode_w, context.idle_w * mean_on(pool, warmup_ns, end_ns))


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
        return EnergySummary()
    prefill = sum(p.prefill_w for p in known) * duration_s
    decode = sum(p.decode_w for p in known) * duration_s
    idle = sum(p.idle_w for p in known) * duration_s
    devices = prefill + decode + idle
    hosts = host_draws(context, recording)
    host = times(total(draw for draw in hosts if draw is not None), duration_s)
    it = Range.exactly(devices) if host is None else host + Range.exactly(devices)
    facility = times(it, context.site.pue)
    return EnergySummary(
        total_j=devices,
        prefill_j=prefill,
        decode_j=decode,
        idle_j=idle,
        mean_power_w=devices / duration_s if duration_s else None,
        per_output_token_j=devices / output_tokens if output_tokens else None,
        per_request_j=devices / requests if requests else None,
        host_j=host,
        it_j=it,
        facility_j=facility,
        facility_per_output_token_j=per(facility, output_tokens),
        pools=_parts(known, hosts, context.site.pue, duration_s),
        missing=missing_hosts(context),
    )


def _parts(
    powers: Sequence[PoolPower], hosts: Sequence[Range | None], pue: Range | None, duration_s: float
) -> tuple[PoolEnergy, ...]:
    """Energy of every pool with its own hosts, or without them where their draw is unknown."""
    draws = [
        Range.exactly(power.devices_w) if host is None else host + Range.exactly(power.devices_w)
        for power, host in zip(powers, hosts, strict=True)
    ]
    return tuple(
        PoolEnergy(times(draw * duration_s, pue), power.working_share)
        for power, draw in zip(powers, draws, strict=True)
    )


def resting_draws(context: RunContext) -> list[Range | None]:
    """What the facility draws for each pool with all its replicas on and no work [W]; None where unknown."""
    return [_resting_draw(pool, context.site.pue) for pool in context.pools]


def _resting_draw(pool: PoolContext, pue: Range | None) -> Range | None:
    if pool.idle_w is None:
        return None
    devices = Range.exactly(pool.idle_w * pool.replicas)
    hosts = times(pool.host_w, pool.devices)
    return times(devices if hosts is None else devices + hosts, pue)
