"""How many units a load takes at least, worked out without simulation, and a guess to start from.

A replica spends time on a request's prompt and on its output. At the best batch of each kind

    prompt:   step(whole prompts that fill a step) / prompts in it
    output:   output tokens * step(batch of decodes) / batch

and no replica serves more requests per second than one over the longer of the two: prompts and outputs can
share a step, but neither takes less time for that. The guess adds the two, with decodes in a batch that
still keeps the pace asked for. The cache bounds a batch: for the guess by whole requests, for the bound by
requests half way through their outputs, and not at all where they share prefixes, and so blocks. What is left
out: bursts, queues and the prompts that a cache saves; the simulation answers for those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf

from simulator.latency.pricer import Step
from simulator.planning.lengths import Demand
from simulator.planning.size.families import Family
from simulator.results.cost import per_hour_at_rest, pool_per_hour
from simulator.results.energy import resting_draws
from simulator.results.hosts import NONE_MISSING, MissingHosts, missing_hosts
from simulator.results.price_rows import PriceKind, price_kinds
from simulator.results.ranges import Range, total
from simulator.scenario.objectives import SloSpec
from simulator.scenario.scenario import Scenario
from simulator.simulation.context import context_of
from simulator.simulation.event_loop import refuse_long_requests
from simulator.simulation.pools import PreparedPool, prepare_pools
from simulator.simulation.run import cluster_plan
from simulator.simulation.tenants import traffic_of
from simulator.units.clock import NS_PER_S
from simulator.units.random_streams import RandomStreams

#: Share of a replica's time that the guess fills: arrivals come in bursts.
_FILLED = 0.85
#: The bound gives this much away for what a mean length hides [1].
_SLACK = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of one family.

    Attributes
    ----------
    least
        No fewer units can carry the load.
    guess
        Units to try first.
    usd_per_hour
        Price of one unit [USD/h], without the electricity of owned hardware; None where unknown.
    rated_w
        Power limit of one unit's devices [W], None where not published.
    resting_w
        Draw of the site for one unit that is on without work [W], as spares are; None where unknown.
    resting_usd_per_hour
        Cost of such a unit [USD/h], with the electricity of owned hardware; None where unknown.
    prices
        What kind of price the cost rests on.
    missing
        Whose hosts' draw is not known, so that no draw of the site has it in it.
    """

    least: int
    guess: int
    usd_per_hour: Range | None
    rated_w: float | None
    resting_w: Range | None = None
    resting_usd_per_hour: Range | None = None
    prices: tuple[PriceKind, ...] = ()
    missing: MissingHosts = NONE_MISSING


def estimate(family: Family, demand: Demand) -> Estimate:
    """Bound, guess and price of a family.

    Raises
    ------
    InputError
        Where one unit can not be built: the model does not fit, the layout is impossible, or the longest
        request finds no room.
    """
    unit = family.unit
    pools = prepare_pools(unit)
    refuse_long_requests(cluster_plan(unit, pools), traffic_of(unit, RandomStreams(unit.seed)))
    context = context_of(unit, pools)
    rated = [pool.most_rated_w for pool in context.pools]
    least, guess = _units(unit, pools, demand)
    return Estimate(
        least=least,
        guess=max(guess, least),
        usd_per_hour=total(pool_per_hour(pool, context) for pool in context.pools),
        rated_w=None if None in rated else sum(watts for watts in rated if watts is not None),
        resting_w=total(resting_draws(context)),
        resting_usd_per_hour=per_hour_at_rest(context),
        prices=price_kinds(context),
        missing=missing_hosts(context),
    )


def _units(scenario: Scenario, pools: Sequence[PreparedPool], demand: Demand) -> tuple[int, int]:
    """Fewest units that are not impossible, and units to try."""
    if demand.rate is None:
        return 1, 1
    shares = _shares_prefixes(scenario)

    def work(role: str) -> list[_Work]:
        alike = [pool for pool in pools if pool.spec.role == role]
        # Tenants may have a pace of their own: none is expected of all.
        slo = SloSpec() if scenario.tenants else scenario.slo
        return [_Work(pool, demand, slo, shares=shares) for pool in alike]

    whole, prompts, outputs = work("unified"), work("prefill"), work("decode")
    fastest, likely = [], []
    if whole:
        prompts_s = [0.0 if shares else one.prompt_s for one in whole]
        longer = [max(prompt_s, one.output_s) for prompt_s, one in zip(prompts_s, whole, strict=True)]
        fastest.append(sum(map(_rate, whole, longer)))
        likely.append(sum(_rate(one, one.prompt_s + one.paced_output_s) for one in whole))
    if prompts:
        fastest.append(float("inf") if shares else sum(_rate(one, one.prompt_s) for one in prompts))
        likely.append(sum(_rate(one, one.prompt_s) for one in prompts))
    if outputs:
        fastest.append(sum(_rate(one, one.output_s) for one in outputs))
        likely.append(sum(_rate(one, one.paced_output_s) for one in outputs))
    least = ceil(demand.rate / min(fastest) * _SLACK)
    return max(least, 1), max(ceil(demand.rate / (min(likely) * _FILLED)), 1)


def _rate(work: _Work, seconds: float) -> float:
    return work.replicas / seconds if seconds > 0 else float("inf")


def _shares_prefixes(scenario: Scenario) -> bool:
    """Whether prompts may be found in the cache."""
    workload = scenario.workload
    own = workload.shared_prefix is not None or workload.sessions is not None
    return own or workload.arrivals.process not in ("poisson", "constant", "gamma", "weibull", "lognormal")


class _Work:
    """Time that one replica of a pool takes for a mean request."""

    def __init__(self, pool: PreparedPool, demand: Demand, slo: SloSpec, *, shares: bool) -> None:
        self._pool, self._demand = pool, demand
        self.replicas = pool.spec.replicas
        settings = pool.plan.settings
        # Several tokens a step with drafts: no bound from single ones.
        self._tokens = demand.output / (1 + settings.num_speculative_tokens)
        # At best the requests in a batch are half way through their outputs on average.
        most = settings.max_num_seqs if shares else self._held(demand.prompt + demand.output / 2)
        whole = self._held(demand.prompt + demand.output)
        self.output_s = self._output_s(_batches(most), inf)
        self.paced_output_s = self._output_s(_batches(whole), _pace(slo))

    @property
    def prompt_s(self) -> float:
        """One prompt's share of a step that is full of prompts [s]."""
        prompt = max(round(self._demand.prompt), 1)
        most = max(self._pool.plan.settings.max_num_batched_tokens // prompt, 1)
        price = self._pool.backend.pricer.step_ns
        return min(price(*Step.of_prompts(count, prompt)) / count / NS_PER_S for count in {1, most})

    def _held(self, context: float) -> int:
        """Most requests of so many tokens each that a replica seats and its cache holds."""
        settings = self._pool.plan.settings
        cache = (settings.num_gpu_blocks - 1) * settings.block_size
        return max(min(settings.max_num_seqs, int(cache / max(context, 1.0))), 1)

    def _output_s(self, batches: Sequence[int], pace: float) -> float:
        """One output's share of the best batch whose steps are no longer than ``pace`` [s]."""
        times = {batch: self._decode_s(batch) for batch in batches}
        paced = [batch for batch in batches if times[batch] <= pace] or batches[:1]
        return min(times[batch] / batch for batch in paced) * self._tokens

    def _decode_s(self, batch: int) -> float:
        """One step of a batch of decodes half way through their outputs [s]."""
        context = max(round(self._demand.prompt + self._demand.output / 2), 1) * batch
        return self._pool.backend.pricer.step_ns(*Step.of_decodes(batch, context)) / NS_PER_S


def _batches(most: int) -> list[int]:
    """Sizes to try, up to the largest."""
    return sorted({min(2**power, most) for power in range(most.bit_length() + 1)})


def _pace(slo: SloSpec) -> float:
    """Longest step that keeps the time per output token asked for [s]."""
    limits = [limit for name, limit in slo.percentiles.items() if name.endswith("_tpot")]
    return min([*limits, *([slo.tpot] if slo.tpot is not None else [])], default=float("inf"))
