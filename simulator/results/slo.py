"""Which requests met the service-level objectives.

A request meets the objectives when it finished and met every given threshold. An output of one
token has no TPOT and meets any TPOT threshold, as in ``vllm bench serve``. Requests that timed
out, were shed or failed count as misses; requests that the client aborted do not count.

With tenants each request is held to its own tenant's thresholds; those of tenants without any count neither
as good nor as missed.

A percentile is within its limit when at least that share of the counted requests is: a request that never
finished is beyond any limit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.results.context import RunContext, Slo
from simulator.results.latencies import ABORTED, Latencies, is_finished
from simulator.results.recording import Floats, RequestColumns

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Reached:
    """One objective by itself: requests that are within it, and the share of them that is asked for.

    ``name`` is ``requests`` for the thresholds of single requests, else that of the percentile; with tenants
    the tenant's follows it. ``within`` and ``counted`` are masks over all recorded requests, shape
    (n,).
    """

    name: str
    target: float
    within: Mask
    counted: Mask

    @property
    def share(self) -> float:
        """Share of the counted requests that is within."""
        return float(self.within[self.counted].mean())

    @property
    def met(self) -> bool:
        """Whether that is enough."""
        return self.share >= self.target


@dataclass(frozen=True, slots=True)
class Attainment:
    """Share of counted requests within each threshold; None where not asked for or none counted.

    ``percentiles`` holds the share within each percentile's limit, by its name.
    """

    overall: float | None
    ttft: float | None
    tpot: float | None
    e2e: float | None
    met: bool | None
    percentiles: dict[str, float] = field(default_factory=dict)


def objectives_reached(
    requests: RequestColumns, latencies: Latencies, slo: Slo, measured: Mask
) -> list[Reached]:
    """Every objective over the measured requests; empty where nothing is asked for or none counts."""
    counted = measured & (requests.status != ABORTED)
    if not counted.any():
        return []
    finished = is_finished(requests)
    found = []
    if slo.per_request:
        found.append(Reached("requests", slo.attainment, meets(requests, latencies, slo), counted))
    for limit in slo.percentiles:
        within = finished & _WITHIN[limit.latency](latencies, limit.limit_s)
        found.append(Reached(limit.name, limit.percent / 100, within, counted))
    return found


def own_objectives_reached(
    requests: RequestColumns, latencies: Latencies, context: RunContext, measured: Mask
) -> list[Reached]:
    """Every objective; with tenants each one's own over its requests, named after it."""
    if not context.tenants:
        return objectives_reached(requests, latencies, context.slo, measured)
    return [
        replace(one, name=f"{one.name} of {tenant.name}")
        for number, tenant in enumerate(context.tenants)
        for one in objectives_reached(requests, latencies, tenant.slo, measured & (requests.tenant == number))
    ]


def meets(requests: RequestColumns, latencies: Latencies, slo: Slo) -> Mask:
    """True for every request that finished within all given thresholds, shape (n,)."""
    return (
        is_finished(requests)
        & _within(latencies.ttft, slo.ttft_s)
        & _within_tpot(latencies.tpot, slo.tpot_s)
        & _within(latencies.e2e, slo.e2e_s)
    )


def meets_own(requests: RequestColumns, latencies: Latencies, context: RunContext) -> Mask:
    """True for every request that finished within the thresholds of its tenant (or of the scenario).

    False where its tenant has none: nothing is asked of it that it could meet.
    """
    if not context.tenants:
        return meets(requests, latencies, context.slo)
    good = np.zeros(len(requests.request), dtype=bool)
    for number, tenant in enumerate(context.tenants):
        if tenant.slo.per_request:
            good |= meets(requests, latencies, tenant.slo) & (requests.tenant == number)
    return good


def _is_asked(requests: RequestColumns, context: RunContext) -> Mask:
    """True for every request of a tenant with thresholds."""
    asked = [number for number, tenant in enumerate(context.tenants) if tenant.slo.per_request]
    mask: Mask = np.isin(requests.tenant, asked)
    return mask


def overall_attainment(
    requests: RequestColumns, latencies: Latencies, context: RunContext, measured: Mask
) -> Attainment:
    """Attainment of all; with tenants of those with thresholds, by their own, met where all tenants' are."""
    if not context.tenants:
        return attainment_of(requests, latencies, context.slo, measured)
    reached = own_objectives_reached(requests, latencies, context, measured)
    if not reached:
        return Attainment(None, None, None, None, None)
    counted = measured & (requests.status != ABORTED) & _is_asked(requests, context)
    good = meets_own(requests, latencies, context)[counted]
    return Attainment(
        overall=float(good.mean()) if len(good) else None,
        ttft=None,
        tpot=None,
        e2e=None,
        met=all(one.met for one in reached),
    )


def attainment_of(requests: RequestColumns, latencies: Latencies, slo: Slo, measured: Mask) -> Attainment:
    """Attainment over the measured requests (a mask of shape (n,))."""
    reached = {one.name: one for one in objectives_reached(requests, latencies, slo, measured)}
    if not reached:
        return Attainment(None, None, None, None, None)
    counted = measured & (requests.status != ABORTED)
    finished = is_finished(requests)

    def share(mask: Mask) -> float:
        return float(mask[counted].mean())

    met = all(one.met for one in reached.values())
    overall = reached.pop("requests", None)
    return Attainment(
        overall=None if overall is None else overall.share,
        ttft=None if slo.ttft_s is None else share(_within(latencies.ttft, slo.ttft_s)),
        tpot=None if slo.tpot_s is None else share(finished & _within_tpot(latencies.tpot, slo.tpot_s)),
        e2e=None if slo.e2e_s is None else share(_within(latencies.e2e, slo.e2e_s)),
        met=met,
        percentiles={name: one.share for name, one in reached.items()},
    )


def _within(values_ms: Floats, threshold_s: float | None) -> Mask:
    # A comparison with NaN is False: what never happened was not in time.
    return np.ones(len(values_ms), dtype=bool) if threshold_s is None else values_ms <= threshold_s * 1e3


def _within_tpot(values_ms: Floats, threshold_s: float | None) -> Mask:
    return _within(values_ms, threshold_s) | np.isnan(values_ms)


_WITHIN: dict[str, Callable[[Latencies, float], Mask]] = {
    "ttft": lambda latencies, limit_s: _within(latencies.ttft, limit_s),
    "tpot": lambda latencies, limit_s: _within_tpot(latencies.tpot, limit_s),
    "e2e": lambda latencies, limit_s: _within(latencies.e2e, limit_s),
}


def slo_keys(slo: Slo, reached: Attainment) -> dict[str, Any]:
    """Flat keys of a summary: what was asked for, and what was reached."""
    return {
        "slo_ttft_ms": _ms(slo.ttft_s),
        "slo_tpot_ms": _ms(slo.tpot_s),
        "slo_e2el_ms": _ms(slo.e2e_s),
        "slo_attainment_target": slo.attainment if slo.per_request else None,
        "slo_attainment": reached.overall,
        "slo_attainment_ttft": reached.ttft,
        "slo_attainment_tpot": reached.tpot,
        "slo_attainment_e2el": reached.e2e,
        "slo_percentiles": [
            {
                "name": limit.name,
                "limit_ms": limit.limit_s * 1e3,
                "target": limit.percent / 100,
                "share_within": reached.percentiles.get(limit.name),
            }
            for limit in slo.percentiles
        ],
        "slo_met": reached.met,
    }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1e3
