"""Each tenant's own figures: what became of its requests, their latencies, its share of the cost.

The cost of a pool is shared by what tenants made it do: the part that prompts took by their tokens that
were not cached, the rest by output tokens (as the whole is told apart into input and output tokens, see
`results.cost`). A prefill pool's cost goes by the prompts that were handed to decode pools of its model. So
idle time is paid for by those who use the pool, and the tenants' costs add up to that of the pools that
anybody used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.results.context import PoolContext, RunContext, TenantContext
from simulator.results.cost import CostSummary
from simulator.results.distributions import Distribution, distribution_of, keys_of
from simulator.results.latencies import Latencies, defined, is_finished
from simulator.results.pool_use import PoolUse
from simulator.results.recording import NEVER, STATUSES, Floats, Ints, RequestColumns
from simulator.results.slo import Attainment, Mask, attainment_of, meets, slo_keys


@dataclass(frozen=True, slots=True)
class TenantSummary:
    """The figures of one tenant over the measured time.

    ``requests`` of its requests ended in it, ``by_status`` says how; the token totals are of those that
    finished, ``all_output_tokens`` of all of them; ``attempts`` counts every sending.
    """

    about: TenantContext
    requests: int
    by_status: dict[str, int]
    attempts: int
    completed: int
    good: int | None
    input_tokens: int
    output_tokens: int
    all_output_tokens: int
    cached_tokens: int
    ttft: Distribution | None
    tpot: Distribution | None
    e2el: Distribution | None
    attainment: Attainment
    cost_usd: float | None

    def to_dict(self, duration_s: float) -> dict[str, Any]:
        """Under the key names of the whole run's summary."""
        tokens = self.input_tokens + self.output_tokens
        return {
            "name": self.about.name,
            "model": self.about.model,
            "priority": self.about.priority,
            "requests": self.requests,
            "requests_by_status": self.by_status,
            "attempts": self.attempts,
            "completed": self.completed,
            "request_throughput": _per(self.completed, duration_s),
            "request_goodput": _per(self.good, duration_s),
            "total_input_tokens": self.input_tokens,
            "total_output_tokens": self.output_tokens,
            "total_output_tokens_with_cut_off": self.all_output_tokens,
            "total_cached_tokens": self.cached_tokens,
            "output_throughput": _per(self.output_tokens, duration_s),
            **keys_of(
                {"ttft": self.ttft, "tpot": self.tpot, "e2el": self.e2el}, ("mean", "median", "p90", "p99")
            ),
            **slo_keys(self.about.slo, self.attainment),
            "cost_usd": self.cost_usd,
            "cost_per_request_usd": _per(self.cost_usd, self.completed),
            "cost_per_million_tokens_usd": _per(self.cost_usd, tokens / 1e6),
        }


def tenants_of(
    requests: RequestColumns,
    latencies: Latencies,
    context: RunContext,
    pools: Sequence[PoolUse],
    cost: CostSummary,
) -> tuple[TenantSummary, ...]:
    """A summary for each tenant of the context; none where there are no tenants."""
    if not context.tenants:
        return ()
    ended = requests.finish_ns >= context.warmup_ns
    costs = tenant_costs(requests, ended, context, pools, cost)
    return tuple(
        _tenant(about, requests, latencies, context.warmup_ns, requests.tenant == number, usd)
        for number, (about, usd) in enumerate(zip(context.tenants, costs, strict=True))
    )


def _tenant(
    about: TenantContext,
    requests: RequestColumns,
    latencies: Latencies,
    warmup_ns: int,
    own: Mask,
    cost_usd: float | None,
) -> TenantSummary:
    ended = own & (requests.finish_ns >= warmup_ns)
    completed = ended & is_finished(requests)
    measured = own & (requests.arrival_ns >= warmup_ns)
    kept = measured & is_finished(requests)
    by_status = np.bincount(requests.status[ended], minlength=len(STATUSES))
    return TenantSummary(
        about=about,
        requests=int(ended.sum()),
        by_status={name: int(n) for name, n in zip(STATUSES, by_status, strict=True)},
        attempts=int(requests.attempts[ended].sum()),
        completed=int(completed.sum()),
        good=int((meets(requests, latencies, about.slo) & ended).sum()) if about.slo.per_request else None,
        input_tokens=int(requests.prompt_tokens[completed].sum()),
        output_tokens=int(requests.output_tokens[completed].sum()),
        all_output_tokens=int(requests.output_tokens[ended].sum()),
        cached_tokens=int(requests.cached_tokens[completed].sum()),
        ttft=distribution_of(defined(latencies.ttft[kept])),
        tpot=distribution_of(defined(latencies.tpot[kept])),
        e2el=distribution_of(defined(latencies.e2e[kept])),
        attainment=attainment_of(requests, latencies, about.slo, measured),
        cost_usd=cost_usd,
    )


def tenant_costs(
    requests: RequestColumns, ended: Mask, context: RunContext, pools: Sequence[PoolUse], cost: CostSummary
) -> list[float | None]:
    """What each tenant's requests cost [USD]; None where a pool that they used has no price."""
    tenants = len(context.tenants)
    total = np.zeros(tenants)
    unknown = np.zeros(tenants, dtype=bool)
    prompts = np.where(
        requests.first_scheduled_ns == NEVER, 0, requests.prompt_tokens - requests.cached_tokens
    )
    outputs = requests.output_tokens
    for number, (about, use) in enumerate(zip(context.pools, pools, strict=True)):
        here = ended & (requests.pool == number)
        prompted = ended & _handed_over(requests, about, context.pools) if about.role == "prefill" else here
        of_prompts = _shares(requests.tenant[prompted], prompts[prompted], tenants)
        of_outputs = _shares(requests.tenant[here], outputs[here], tenants)
        prompt_share = use.prefill_share
        if prompt_share is None:
            continue
        if about.role == "decode" or not of_prompts.any():
            prompt_share = 0.0 if of_outputs.any() else 1.0
        elif not of_outputs.any():
            prompt_share = 1.0
        shares = prompt_share * of_prompts + (1.0 - prompt_share) * of_outputs
        usd = cost.by_pool_usd[about.name]
        if usd is None:
            unknown |= shares > 0
        else:
            total += usd * shares
    return [None if lost else float(usd) for usd, lost in zip(total, unknown, strict=True)]


def _handed_over(requests: RequestColumns, prefill: PoolContext, pools: Sequence[PoolContext]) -> Mask:
    """Requests whose prompts this pool, or one like it, computed for decode pools, or that ended in it."""
    related = [
        number
        for number, pool in enumerate(pools)
        if pool.model == prefill.model and pool.role in ("prefill", "decode")
    ]
    mask: Mask = np.isin(requests.pool, related)
    return mask


def _shares(tenant: Ints, tokens: Ints, tenants: int) -> Floats:
    """Each tenant's share of the tokens, shape (tenants,); all zero where there are none."""
    sums = np.bincount(tenant, weights=tokens, minlength=tenants)
    whole = sums.sum()
    return sums / whole if whole > 0 else np.zeros(tenants)


def _per(amount: float | None, whole: float) -> float | None:
    return None if amount is None or not whole else amount / whole
