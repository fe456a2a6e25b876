"""All figures of one run, under the key names of ``vllm bench serve``.

*Measured time* runs from the end of the warm-up to the end of the run. Rates, cost and energy belong to it:
they count what finished in it, and so do preemptions. Latencies and attainment are those of the requests
that arrived in it. Inter-token latencies, prefix hits, drafts and loads from cache tiers are those that
happened in it, whoever had them. Without a warm-up all of this is the same set of requests, and the
definitions are vLLM's.

What is unknown (a price, a power, a percentile of nothing) is None, never zero and never NaN.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from simulator.latency.pricer import BOUNDS
from simulator.results.break_even import BreakEven, break_even_keys, break_even_of
from simulator.results.carbon import CarbonSummary, carbon_of
from simulator.results.context import PoolContext, RunContext
from simulator.results.cost import CostSummary, cost_of
from simulator.results.counts import Counts, counts_of
from simulator.results.drafting import Drafting, delivered_share, drafting_of
from simulator.results.energy import EnergySummary, energy_of
from simulator.results.error_bars import ErrorBar, error_bar
from simulator.results.held_up import held_up
from simulator.results.latencies import latencies_of
from simulator.results.latency_summary import LatencySummary, latency_summary
from simulator.results.measured import measured_part
from simulator.results.messages import messages_of
from simulator.results.overload import Load, load_of
from simulator.results.pool_use import PoolUse, measured_windows, use_of_pool
from simulator.results.ranges import mid, times
from simulator.results.recording import Recording, TransferRecording
from simulator.results.slo import Attainment, overall_attainment, slo_keys
from simulator.results.task_summary import TaskSummary, task_keys, tasks_of
from simulator.results.tenants import TenantSummary, tenants_of
from simulator.results.transfers import transfer_dict
from simulator.results.waiting import waiting_of
from simulator.results.water import WaterSummary, water_of


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of one run.

    ``duration_s`` is the measured time [s]; ``waiting_elsewhere`` how many requests on average were in no
    pool's line, by what they waited for (`results.waiting`).
    """

    context: RunContext
    duration_s: float
    counts: Counts
    latency: LatencySummary
    attainment: Attainment
    pools: tuple[PoolUse, ...]
    max_output_tokens_per_s: float | None
    prefix_hit_rate: float | None
    preemptions: int
    drafting: Drafting | None
    load: Load
    waiting_elsewhere: dict[str, float]
    cost: CostSummary
    energy: EnergySummary
    carbon: CarbonSummary
    water: WaterSummary
    break_even: BreakEven | None
    tasks: TaskSummary | None
    tenants: tuple[TenantSummary, ...]
    transfers: TransferRecording | None
    end_ns: int
    error_bars: tuple[ErrorBar, ...]
    messages: tuple[str, ...]

    def rate(self, amount: float | None) -> float | None:
        """``amount`` per second of measured time; None where either is missing."""
        return None if amount is None or self.duration_s <= 0 else amount / self.duration_s

    def bottlenecks(self) -> dict[str, float]:
        """Share of the busy time of all replicas bound by each of ``BOUNDS``."""
        return _bottlenecks(self.pools, self.context)

    def to_dict(self) -> dict[str, Any]:
        """Flat keys as in vLLM's benchmark results, plus ours; plain JSON values without NaN."""
        return {
            **self._identity(),
            **self._throughput(),
            **self.latency.keys(),
            **slo_keys(self.context.slo, self.attainment),
            "prefix_cache_hit_rate": self.prefix_hit_rate,
            "preemptions": self.preemptions,
            "bottlenecks": self.bottlenecks(),
            **({} if self.drafting is None else self.drafting.keys()),
            **self._fleet_keys(),
            **self.cost.keys(),
            **break_even_keys(self.break_even),
            **self.energy.keys(),
            **self.carbon.keys(),
            **self.water.keys(),
            **task_keys(self.tasks),
            "pools": [self._pool_dict(i) for i in range(len(self.pools))],
            **({"classes": [one.to_dict(self.duration_s) for one in self.tenants]} if self.tenants else {}),
            **({} if self.transfers is None else {"transfers": transfer_dict(self.transfers, self.end_ns)}),
            "error_bars": [bar.to_dict() for bar in self.error_bars],
            "messages": list(self.messages),
        }

    def _identity(self) -> dict[str, Any]:
        return {
            "scenario": self.context.scenario,
            "model_id": self.context.model,
            "seed": self.context.seed,
            "num_prompts": self.counts.issued,
            "warmup_s": self.context.warmup_ns / 1e9,
            "rests_on_estimates": self.context.rests_on_estimates,
        }

    def _throughput(self) -> dict[str, Any]:
        counts = self.counts
        return {
            "duration": self.duration_s,
            "completed": counts.completed,
            "failed": counts.failed,
            "unfinished": counts.unfinished,
            "measured_requests": counts.measured,
            "requests_by_status": counts.by_status,
            "total_input_tokens": counts.input_tokens,
            "total_output_tokens": counts.output_tokens,
            "total_output_tokens_with_cut_off": counts.all_output_tokens,
            "total_thinking_tokens": counts.thinking_tokens,
            "total_vain_thinking_tokens": counts.vain_thinking_tokens,
            "arrival_rate": self.load.arrival_rate,
            "request_throughput": self.rate(counts.completed),
            "request_goodput": self.rate(counts.goodput_requests),
            "output_throughput": self.rate(counts.output_tokens),
            "total_token_throughput": self.rate(counts.input_tokens + counts.output_tokens),
            "max_output_tokens_per_s": self.max_output_tokens_per_s,
            "max_concurrent_requests": counts.max_concurrent,
            "overloaded": self.load.overloaded,
            "sustained_request_rate": self.load.sustained_rate,
            "mean_waiting_elsewhere": self.waiting_elsewhere,
        }

    def _fleet_keys(self) -> dict[str, Any]:
        pools = self.context.pools
        rated = [pool.most_rated_w for pool in pools]
        facility = mid(self.energy.facility_j)
        tpot = self.latency.tpot
        return {
            "devices": sum(pool.most_devices for pool in pools),
            "systems": sum(pool.most_systems for pool in pools),
            "power_limit_w": None if None in rated else sum(watts for watts in rated if watts is not None),
            "facility_power_w": self.rate(facility),
            "tokens_per_s_user": None if tpot is None or not tpot.median else 1e3 / tpot.median,
            "carbon_per_1000_requests_g": mid(times(self.carbon.per_request_g, 1e3)),
        }

    def _pool_dict(self, index: int) -> dict[str, Any]:
        about, use = self.context.pools[index], self.pools[index]
        return {
            "device": about.device,
            "devices": about.most_devices,
            "devices_beside": [asdict(other) for other in about.beside],
            "replicas": about.replicas,
            "role": about.role,
            "model": about.model,
            **asdict(use),
            "owned": about.owned,
            "cost_usd": self.cost.by_pool_usd[about.name],
            "backend": about.backend,
            "provenance": about.provenance,
            "estimates": list(about.estimates),
            "accuracy_changes": [asdict(change) for change in about.accuracy_changes],
        }


def summarise(recording: Recording, context: RunContext) -> Summary:
    """All figures of one run. The context's pools stand in the order of the recording's."""
    requests, warmup_ns = recording.requests, context.warmup_ns
    latencies = latencies_of(requests)
    measured = requests.arrival_ns >= warmup_ns
    part = measured_part(recording, warmup_ns)
    duration_s = part.duration_s
    counts = counts_of(recording, context, latencies, measured)
    latency = latency_summary(recording, latencies, measured)
    attainment = overall_attainment(requests, latencies, context, measured)
    waiting = waiting_of(recording)
    load = load_of(recording, waiting, warmup_ns)
    pools = tuple(use_of_pool(line, warmup_ns, recording.end_ns) for line in waiting.lines)
    energy = energy_of(
        recording, context, duration_s, output_tokens=counts.output_tokens, requests=counts.completed
    )
    done = {
        "input_tokens": counts.input_tokens,
        "output_tokens": counts.output_tokens,
        "requests": counts.completed,
    }
    cost = cost_of(context, pools, energy, duration_s, **done)
    tasks = tasks_of(recording.tasks, warmup_ns, cost.total, energy.total_j)
    carbon = carbon_of(recording, context, energy, duration_s, counts.completed)
    water = water_of(context, energy, counts.completed)
    error_bars = _error_bars(context, pools, load)
    return Summary(
        context=context,
        duration_s=duration_s,
        counts=counts,
        latency=latency,
        attainment=attainment,
        pools=pools,
        max_output_tokens_per_s=_peak_output_rate(recording, context.warmup_ns),
        prefix_hit_rate=_prefix_hit_rate(recording),
        preemptions=sum(pool.preemptions for pool in recording.pools),
        drafting=drafting_of(recording.pools),
        load=load,
        waiting_elsewhere=waiting.elsewhere_means(warmup_ns, recording.end_ns),
        cost=cost,
        energy=energy,
        carbon=carbon,
        water=water,
        break_even=break_even_of(context.api, cost, duration_s, **done),
        tasks=tasks,
        tenants=tenants_of(requests, latencies, context, pools, cost),
        transfers=recording.transfers,
        end_ns=recording.end_ns,
        error_bars=error_bars,
        messages=messages_of(
            context,
            pools,
            part,
            counts.by_status,
            counts.unfinished,
            load,
            cost,
            energy,
            carbon,
            water,
            tasks,
            error_bars,
            held_up(recording.transfers, latency, recording.end_ns),
        ),
    )


def _error_bars(context: RunContext, pools: tuple[PoolUse, ...], load: Load) -> tuple[ErrorBar, ...]:
    """What is known about the error of each pool at its load."""
    return tuple(
        error_bar(
            about.name,
            about.device,
            about.known_errors,
            (use.mean_batch or 0.0) + (use.mean_waiting or 0.0) / max(_serving(about, use), 1.0),
            overloaded=load.overloaded,
        )
        for about, use in zip(context.pools, pools, strict=True)
    )


def _serving(about: PoolContext, use: PoolUse) -> float:
    """Replicas of a pool that share its queue, on average."""
    return float(about.replicas) if use.fleet is None else use.fleet.mean_serving


def _peak_output_rate(recording: Recording, warmup_ns: int) -> float | None:
    """Most decode tokens per second [1/s] of all pools in one window (vLLM takes one-second windows).

    Of drafts the share that is accepted on average counts.
    """
    decoded = [
        pool.windows.decode_tokens[measured_windows(pool.windows, warmup_ns)] for pool in recording.pools
    ]
    rates = [
        tokens.max() * delivered_share(pool) / (pool.windows.width_ns / 1e9)
        for tokens, pool in zip(decoded, recording.pools, strict=True)
        if len(tokens)
    ]
    return float(sum(rates)) if rates else None


def _prefix_hit_rate(recording: Recording) -> float | None:
    queried = sum(pool.prefix_queried_tokens for pool in recording.pools)
    return sum(pool.prefix_hit_tokens for pool in recording.pools) / queried if queried else None


def _bottlenecks(pools: Iterable[PoolUse], context: RunContext) -> dict[str, float]:
    """Shares of the pools, weighted by their busy replica time."""
    weights = {
        use.name: (use.busy_share or 0.0) * about.replicas
        for use, about in zip(pools, context.pools, strict=True)
        if use.bottlenecks
    }
    total = sum(weights.values())
    if total == 0:
        return {}
    by_name = {use.name: use.bottlenecks for use in pools}
    return {
        bound: sum(by_name[name][bound] * weight for name, weight in weights.items()) / total
        for bound in BOUNDS
    }
