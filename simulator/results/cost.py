"""What a run cost: rent of all devices for the measured time, whether they worked or not.

Rent per device-hour includes power, so the electricity bill (results/energy.py) stands beside it and is not
added. One unknown price makes the whole cost unknown, never smaller.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.results.context import RunContext


@dataclass(frozen=True, slots=True)
class CostSummary:
    """Cost of the measured time [USD]; None where a price is unknown or nothing was produced."""

    total_usd: float | None
    low_usd: float | None
    high_usd: float | None
    per_hour_usd: float | None
    per_million_tokens_usd: float | None
    per_million_output_tokens_usd: float | None
    per_request_usd: float | None
    by_pool_usd: dict[str, float | None]


def cost_of(
    context: RunContext, duration_s: float, *, input_tokens: int, output_tokens: int, requests: int
) -> CostSummary:
    """Cost of ``duration_s`` [s] spread over what was finished in it."""
    hours = duration_s / 3600
    by_pool = {
        pool.name: None if pool.price is None else pool.devices * pool.price.mid * hours
        for pool in context.pools
    }
    low, mid, high = _hourly(context)
    total = None if mid is None else mid * hours
    return CostSummary(
        total_usd=total,
        low_usd=None if low is None else low * hours,
        high_usd=None if high is None else high * hours,
        per_hour_usd=mid,
        per_million_tokens_usd=_per(total, (input_tokens + output_tokens) / 1e6),
        per_million_output_tokens_usd=_per(total, output_tokens / 1e6),
        per_request_usd=_per(total, requests),
        by_pool_usd=by_pool,
    )


def _hourly(context: RunContext) -> tuple[float | None, float | None, float | None]:
    """Rent of all pools [USD/h]: low, mid, high; None where one pool's price is unknown."""
    low = mid = high = 0.0
    for pool in context.pools:
        if pool.price is None:
            return None, None, None
        low += pool.devices * pool.price.low
        mid += pool.devices * pool.price.mid
        high += pool.devices * pool.price.high
    return low, mid, high


def _per(total: float | None, units: float) -> float | None:
    return None if total is None or units == 0 else total / units
