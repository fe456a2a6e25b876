"""What a run cost, rented or owned, as allocation and as usage.

*Allocation* is all that is paid for: every rented device for as long as it was on, whether it worked or not,
and every owned one all the time, also where it has failed or an autoscaler has turned it off.
*Usage* is the part of it in which replicas were busy, the cost of a service that fills its idle time with
something else.

Rent per device-hour includes power. Owned hardware costs its price over the hours of its life that it is in
service, a yearly share for upkeep, and the electricity of the facility:

    per hour = price / (life * 8766 h * share in service) + price * upkeep / 8766 h + power * electricity

The electricity of each pool is that of its own devices and hosts, so the pools' costs add up to the total.
A cluster may own some pools and rent others: the electricity in the cost is that of the owned ones alone.
Cost is told apart into input and output tokens by the time that each took: a step with both is shared by
its tokens. One unknown price makes the whole cost unknown, never smaller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from simulator.results.context import PoolContext, RunContext
from simulator.results.energy import J_PER_KWH, EnergySummary, resting_draws
from simulator.results.pool_use import PoolUse
from simulator.results.ranges import Range, mid, named, per, times, total

HOURS_PER_YEAR = 8766.0


@dataclass(frozen=True, slots=True)
class TokenCost:
    """Cost of a million tokens [USD]; None where unknown or nothing was produced."""

    input: Range | None
    output: Range | None


@dataclass(frozen=True, slots=True)
class CostSummary:
    """Cost of the measured time [USD]; None where a price is unknown or nothing was produced.

    ``basis`` is ``rent``, ``own`` or ``own and rent``; ``owned_devices`` are paid for on or off. ``total`` is
    the allocation, the sum of ``by_pool_usd``, and ``usage`` its busy part, that of ``usage_by_pool_usd``.
    ``electricity`` is that of all pools; ``electricity_of_owned`` is what the total has in it besides, for
    rent includes its own.
    """

    basis: str
    owned_devices: int
    total: Range | None
    usage: Range | None
    per_hour: Range | None
    electricity: Range | None
    electricity_of_owned: Range | None
    allocated: TokenCost
    used: TokenCost
    per_million_tokens: Range | None
    per_million_output_tokens: Range | None
    per_request: Range | None
    by_pool_usd: dict[str, float | None]
    usage_by_pool_usd: dict[str, float | None]

    def keys(self) -> dict[str, Any]:
        """Flat keys of a summary."""
        return {
            "cost_basis": self.basis,
            "owned_devices": self.owned_devices,
            **named("cost_usd", self.total),
            **named("cost_usage_usd", self.usage),
            **named("cost_per_hour_usd", self.per_hour),
            **named("cost_per_million_tokens_usd", self.per_million_tokens),
            **named("cost_per_million_output_tokens_usd", self.per_million_output_tokens),
            **named("cost_allocated_per_million_input_tokens_usd", self.allocated.input),
            **named("cost_allocated_per_million_generated_tokens_usd", self.allocated.output),
            **named("cost_used_per_million_input_tokens_usd", self.used.input),
            **named("cost_used_per_million_generated_tokens_usd", self.used.output),
            **named("cost_per_request_usd", self.per_request),
            **named("electricity_cost_usd", self.electricity),
            **named("electricity_in_cost_usd", self.electricity_of_owned),
        }

    @property
    def total_usd(self) -> float | None:
        """Allocation in the middle of its range."""
        return mid(self.total)

    @property
    def per_hour_usd(self) -> float | None:
        """All devices for an hour, in the middle of the range."""
        return mid(self.per_hour)

    @property
    def per_million_tokens_usd(self) -> float | None:
        """Allocation per million input and output tokens together."""
        return mid(self.per_million_tokens)

    @property
    def per_million_output_tokens_usd(self) -> float | None:
        """The whole allocation per million output tokens."""
        return mid(self.per_million_output_tokens)

    @property
    def per_request_usd(self) -> float | None:
        """Allocation per finished request."""
        return mid(self.per_request)


def cost_of(
    context: RunContext,
    uses: Sequence[PoolUse],
    energy: EnergySummary,
    duration_s: float,
    *,
    input_tokens: int,
    output_tokens: int,
    requests: int,
) -> CostSummary:
    """Cost of ``duration_s`` [s] spread over what was finished in it."""
    hours = duration_s / 3600
    electricity = times(times(energy.facility_j, 1 / J_PER_KWH), context.site.electricity_usd_per_kwh)
    each = [times(pool_per_hour(pool, context), hours) for pool in context.pools]
    paid = [
        use.owned_share if pool.owned else use.on_share for pool, use in zip(context.pools, uses, strict=True)
    ]
    hardware = [times(one, share) for one, share in zip(each, paid, strict=True)]
    power = _power_of_owned(context, energy)
    by_pool = [total(parts) for parts in zip(hardware, power, strict=True)]
    allocation = total(by_pool)
    used = _usage(each, power, uses, energy)
    usage = None if allocation is None else total(used)
    return CostSummary(
        basis=_basis(context),
        owned_devices=_owned_devices(context, uses),
        total=allocation,
        usage=usage,
        per_hour=per(allocation, hours),
        electricity=electricity,
        electricity_of_owned=total(power),
        allocated=_per_million(allocation, by_pool, uses, input_tokens, output_tokens),
        used=_per_million(usage, used, uses, input_tokens, output_tokens),
        per_million_tokens=per(allocation, (input_tokens + output_tokens) / 1e6),
        per_million_output_tokens=per(allocation, output_tokens / 1e6),
        per_request=per(allocation, requests),
        by_pool_usd={pool.name: mid(cost) for pool, cost in zip(context.pools, by_pool, strict=True)},
        usage_by_pool_usd={pool.name: mid(cost) for pool, cost in zip(context.pools, used, strict=True)},
    )


def _basis(context: RunContext) -> str:
    kinds = {"own" if pool.owned else "rent" for pool in context.pools}
    return " and ".join(sorted(kinds))


def _owned_devices(context: RunContext, uses: Sequence[PoolUse]) -> int:
    """Devices that are paid for in any state; machines that change sides count where they are."""
    held = (
        pool.devices * use.owned_share for pool, use in zip(context.pools, uses, strict=True) if pool.owned
    )
    return round(sum(held))


def pool_per_hour(pool: PoolContext, context: RunContext) -> Range | None:
    """All devices of a pool for an hour [USD/h]: rent with power, or the price over its life without."""
    if pool.purchase is not None:
        hourly = 1 / (context.life_years * HOURS_PER_YEAR * context.share_in_service)
        return pool.purchase * (pool.devices * (hourly + context.upkeep_per_year / HOURS_PER_YEAR))
    if pool.price is None:
        return None
    return pool.price.span * pool.devices


def per_hour_at_rest(context: RunContext) -> Range | None:
    """All pools for an hour without work [USD/h], the electricity of owned ones with them: cost of spares."""
    per_wh = times(context.site.electricity_usd_per_kwh, 1e-3)
    return total(
        total((pool_per_hour(pool, context), times(watts, per_wh) if pool.owned else Range.exactly(0.0)))
        for pool, watts in zip(context.pools, resting_draws(context), strict=True)
    )


def _power_of_owned(context: RunContext, energy: EnergySummary) -> list[Range | None]:
    """Electricity of each pool that is owned [USD], None where unknown; nothing where rent includes it."""
    unknown = [None] * len(context.pools)
    used = [part.facility_j for part in energy.pools] or unknown
    per_j = times(context.site.electricity_usd_per_kwh, 1 / J_PER_KWH)
    return [
        times(facility_j, per_j) if pool.owned else Range.exactly(0.0)
        for pool, facility_j in zip(context.pools, used, strict=True)
    ]


def _usage(
    hardware: Sequence[Range | None],
    power: Sequence[Range | None],
    uses: Sequence[PoolUse],
    energy: EnergySummary,
) -> list[Range | None]:
    """What each pool costs while its replicas have a step, and of its electricity what is above idle.

    ``hardware`` is the cost of each pool with all the machines that there were at first, all the time.
    """
    working = [part.working_share for part in energy.pools] or [0.0] * len(uses)
    return [
        total((times(cost, use.busy_share), times(electricity, share)))
        for cost, use, electricity, share in zip(hardware, uses, power, working, strict=True)
    ]


def _per_million(
    cost: Range | None,
    by_pool: Sequence[Range | None],
    uses: Sequence[PoolUse],
    input_tokens: int,
    output_tokens: int,
) -> TokenCost:
    share = prompt_share(by_pool, uses)
    if cost is None or share is None:
        return TokenCost(None, None)
    return TokenCost(
        per(cost * share, input_tokens / 1e6),
        per(cost * (1.0 - share), output_tokens / 1e6),
    )


def prompt_share(by_pool: Sequence[Range | None], uses: Sequence[PoolUse]) -> float | None:
    """Share of the cost that prompts took: of every pool by its busy time, pools by what they cost."""
    weights = [mid(cost) for cost in by_pool]
    shares = [use.prefill_share for use in uses]
    pairs = [(w, s) for w, s in zip(weights, shares, strict=True) if w is not None and s is not None]
    whole = sum(weight for weight, _ in pairs)
    return sum(weight * share for weight, share in pairs) / whole if whole else None
