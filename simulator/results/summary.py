"""All figures of one run, under the key names of ``vllm bench serve``.

*Measured time* runs from the end of the warm-up to the end of the run. Rates, cost and energy belong to it:
they count what finished in it. Latencies and attainment are those of the requests that arrived in it. The
inter-token latencies come from a histogram over the whole run, and so do the prefix hits and preemptions.
Without a warm-up all of this is the same set of requests, and the definitions are vLLM's.

What is unknown (a price, a power, a percentile of nothing) is None, never zero and never NaN.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

import numpy as np

from simulator.latency.pricer import BOUNDS
from simulator.results.break_even import BreakEven, break_even_of
from simulator.results.carbon import CarbonSummary, carbon_of
from simulator.results.context import PoolContext, RunContext
from simulator.results.cost import CostSummary, cost_of
from simulator.results.distributions import (
    Distribution,
    distribution_of,
    distribution_of_histogram,
    merge_histograms,
)
from simulator.results.drafting import Drafting, delivered_share, drafting_of
from simulator.results.energy import EnergySummary, energy_of
from simulator.results.error_bars import ErrorBar, error_bar
from simulator.results.latencies import Latencies, defined, is_finished, latencies_of
from simulator.results.measured import measured_part
from simulator.results.messages import messages_of
from simulator.results.overload import Load, load_of
from simulator.results.pool_use import PoolUse, use_of_pool
from simulator.results.ranges import mid, named, times
from simulator.results.recording import STATUSES, Recording, RequestColumns, TransferRecording
from simulator.results.slo import Attainment, Mask, meets_own, overall_attainment
from simulator.results.task_summary import TaskSummary, task_keys, tasks_of
from simulator.results.tenants import TenantSummary, tenants_of
from simulator.results.transfers import transfer_dict
from simulator.results.water import WaterSummary, water_of


@dataclass(frozen=True, slots=True)
class Counts:
    """What happened to the requests.

    ``completed`` and the token totals belong to requests that finished in the measured time, ``by_status`` to
    all that ended in it; ``measured`` arrived in it and ended: the latencies are theirs. ``issued`` and
    ``unfinished`` belong to the whole run. ``vain_thinking_tokens`` were thought for no answer.
    """

    issued: int
    measured: int
    completed: int
    unfinished: int
    by_status: dict[str, int]
    input_tokens: int
    output_tokens: int
    thinking_tokens: int
    vain_thinking_tokens: int
    goodput_requests: int | None
    max_concurrent: int

    @property
    def failed(self) -> int:
        """Requests that ended in the measured time without their whole output."""
        return sum(self.by_status.values()) - self.completed


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """Distributions over the measured requests; None where no request has the latency."""

    ttft: Distribution | None
    tpot: Distribution | None
    itl: Distribution | None
    e2el: Distribution | None
    queue: Distribution | None
    ttfat: Distribution | None


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of one run. ``duration_s`` is the measured time [s]."""

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
    cost: CostSummary
    energy: EnergySummary
    carbon: CarbonSummary
    water: WaterSummary
    break_even: BreakEven | None
    tasks: TaskSummary | None
    tenants: tuple[TenantSummary, ...]
    transfers: TransferRecording | None
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
            **self._latency_keys(),
            **self._slo_keys(),
            **self._use_keys(),
            **({} if self.drafting is None else self.drafting.keys()),
            **self._fleet_keys(),
            **self._cost_keys(),
            **self._energy_keys(),
            **task_keys(self.tasks),
            "pools": [self._pool_dict(i) for i in range(len(self.pools))],
            **({"classes": [one.to_dict(self.duration_s) for one in self.tenants]} if self.tenants else {}),
            **({} if self.transfers is None else {"transfers": transfer_dict(self.transfers)}),
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
        }

    def _latency_keys(self) -> dict[str, Any]:
        named = (
            ("ttft", self.latency.ttft),
            ("tpot", self.latency.tpot),
            ("itl", self.latency.itl),
            ("e2el", self.latency.e2el),
            ("queue", self.latency.queue),
            ("ttfat", self.latency.ttfat),
        )
        statistics = ("mean", "median", "std", "p50", "p90", "p95", "p99")
        return {
            f"{statistic}_{name}_ms": None if values is None else getattr(values, statistic)
            for name, values in named
            for statistic in statistics
        }

    def _slo_keys(self) -> dict[str, Any]:
        slo, reached = self.context.slo, self.attainment
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

    def _use_keys(self) -> dict[str, Any]:
        return {
            "prefix_cache_hit_rate": self.prefix_hit_rate,
            "preemptions": self.preemptions,
            "bottlenecks": self.bottlenecks(),
        }

    def _fleet_keys(self) -> dict[str, Any]:
        pools = self.context.pools
        rated = [None if pool.rated_w is None else pool.rated_w * pool.replicas for pool in pools]
        facility = mid(self.energy.facility_j)
        tpot = self.latency.tpot
        return {
            "devices": sum(pool.devices for pool in pools),
            "systems": sum(ceil(pool.devices / pool.devices_per_system) for pool in pools),
            "power_limit_w": None if None in rated else sum(watts for watts in rated if watts is not None),
            "facility_power_w": self.rate(facility),
            "tokens_per_s_user": None if tpot is None or not tpot.median else 1e3 / tpot.median,
            "carbon_per_1000_requests_g": mid(times(self.carbon.per_request_g, 1e3)),
        }

    def _cost_keys(self) -> dict[str, Any]:
        cost = self.cost
        return {
            "cost_basis": cost.basis,
            **named("cost_usd", cost.total),
            **named("cost_usage_usd", cost.usage),
            **named("cost_per_hour_usd", cost.per_hour),
            **named("cost_per_million_tokens_usd", cost.per_million_tokens),
            **named("cost_per_million_output_tokens_usd", cost.per_million_output_tokens),
            **named("cost_allocated_per_million_input_tokens_usd", cost.allocated.input),
            **named("cost_allocated_per_million_generated_tokens_usd", cost.allocated.output),
            **named("cost_used_per_million_input_tokens_usd", cost.used.input),
            **named("cost_used_per_million_generated_tokens_usd", cost.used.output),
            **named("cost_per_request_usd", cost.per_request),
            **named("electricity_cost_usd", cost.electricity),
            **self._break_even_keys(),
        }

    def _break_even_keys(self) -> dict[str, Any]:
        found = self.break_even
        return {
            "api": None if found is None else found.api,
            "api_cost_usd": None if found is None else found.total,
            **named("break_even_requests_per_s", None if found is None else found.requests_per_s),
            **named("break_even_load", None if found is None else found.utilisation),
        }

    def _energy_keys(self) -> dict[str, Any]:
        energy = self.energy
        return {
            "energy_j": energy.total_j,
            "energy_prefill_j": energy.prefill_j,
            "energy_decode_j": energy.decode_j,
            "energy_idle_j": energy.idle_j,
            "mean_power_w": energy.mean_power_w,
            "energy_per_output_token_j": energy.per_output_token_j,
            "energy_per_request_j": energy.per_request_j,
            **named("energy_host_j", energy.host_j),
            **named("facility_energy_j", energy.facility_j),
            **named("facility_energy_per_output_token_j", energy.facility_per_output_token_j),
            **named("carbon_kg", self.carbon.operational_kg),
            **named("carbon_per_request_g", self.carbon.per_request_g),
            **named("embodied_carbon_kg", self.carbon.embodied_kg),
            **named("embodied_carbon_per_request_g", self.carbon.embodied_per_request_g),
            **named("water_l", self.water.litres),
            **named("water_per_request_ml", self.water.per_request_ml),
        }

    def _pool_dict(self, index: int) -> dict[str, Any]:
        about, use = self.context.pools[index], self.pools[index]
        return {
            "device": about.device,
            "devices": about.devices,
            "replicas": about.replicas,
            "role": about.role,
            "model": about.model,
            **asdict(use),
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
    duration_s = max(recording.end_ns - warmup_ns, 0) / 1e9
    counts = _count(recording, context, latencies, measured)
    attainment = overall_attainment(requests, latencies, context, measured)
    load = load_of(recording, warmup_ns)
    pools = tuple(use_of_pool(pool, warmup_ns, recording.end_ns) for pool in recording.pools)
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
        latency=_latency_summary(recording, latencies, measured),
        attainment=attainment,
        pools=pools,
        max_output_tokens_per_s=_peak_output_rate(recording),
        prefix_hit_rate=_prefix_hit_rate(recording),
        preemptions=sum(pool.preemptions for pool in recording.pools),
        drafting=drafting_of(recording.pools),
        load=load,
        cost=cost,
        energy=energy,
        carbon=carbon,
        water=water,
        break_even=break_even_of(context.api, cost, duration_s, **done),
        tasks=tasks,
        tenants=tenants_of(requests, latencies, context, pools, cost),
        transfers=recording.transfers,
        error_bars=error_bars,
        messages=messages_of(
            context,
            measured_part(recording, warmup_ns),
            counts.by_status,
            counts.unfinished,
            load,
            cost,
            energy,
            carbon,
            water,
            error_bars,
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


def max_concurrent(requests: RequestColumns, unfinished: int) -> int:
    """Most requests in the system at one time [1].

    Those cut off by the end of the run are known to be there at the end only, so the figure is a lower
    bound then.
    """
    if len(requests.arrival_ns) == 0:
        return unfinished
    arrivals, ends = np.sort(requests.arrival_ns), np.sort(requests.finish_ns)
    # Just after the k-th arrival, k + 1 requests have come and those that ended by then are gone.
    present = np.arange(1, len(arrivals) + 1) - np.searchsorted(ends, arrivals, side="right")
    return max(int(present.max()), unfinished)


def _count(recording: Recording, context: RunContext, latencies: Latencies, measured: Mask) -> Counts:
    requests = recording.requests
    ended = requests.finish_ns >= context.warmup_ns
    completed = ended & is_finished(requests)
    by_status = np.bincount(requests.status[ended], minlength=len(STATUSES))
    good = meets_own(requests, latencies, context) & ended if context.has_objectives else None
    return Counts(
        issued=len(requests.request) + recording.unfinished,
        measured=int(measured.sum()),
        completed=int(completed.sum()),
        unfinished=recording.unfinished,
        by_status={name: int(n) for name, n in zip(STATUSES, by_status, strict=True)},
        input_tokens=int(requests.prompt_tokens[completed].sum()),
        output_tokens=int(requests.output_tokens[completed].sum()),
        thinking_tokens=int(requests.thinking_tokens[completed].sum()),
        vain_thinking_tokens=_thought_in_vain(recording, context.warmup_ns),
        goodput_requests=None if good is None else int(good.sum()),
        max_concurrent=max_concurrent(requests, recording.unfinished),
    )


def _thought_in_vain(recording: Recording, warmup_ns: int) -> int:
    """Thinking that no answer rests on: of tasks what they did not choose, else of requests cut off."""
    if recording.tasks is not None:
        tasks = recording.tasks.columns
        return int(tasks.vain_tokens[tasks.finish_ns >= warmup_ns].sum())
    requests = recording.requests
    cut_off = (requests.finish_ns >= warmup_ns) & ~is_finished(requests)
    return int(requests.thinking_tokens[cut_off].sum())


def _latency_summary(recording: Recording, latencies: Latencies, measured: Mask) -> LatencySummary:
    kept = measured & is_finished(recording.requests)
    merged = merge_histograms(pool.inter_token for pool in recording.pools)
    return LatencySummary(
        ttft=distribution_of(defined(latencies.ttft[kept])),
        tpot=distribution_of(defined(latencies.tpot[kept])),
        itl=None if merged is None else distribution_of_histogram(merged),
        e2el=distribution_of(defined(latencies.e2e[kept])),
        queue=distribution_of(defined(latencies.queue[kept])),
        ttfat=distribution_of(defined(latencies.first_answer[kept])),
    )


def _peak_output_rate(recording: Recording) -> float | None:
    """Most decode tokens per second [1/s] of all pools in one window (vLLM takes one-second windows).

    Of drafts the share that is accepted on average counts.
    """
    rates = [
        pool.windows.decode_tokens.max() * delivered_share(pool) / (pool.windows.width_ns / 1e9)
        for pool in recording.pools
        if len(pool.windows.decode_tokens)
    ]
    return float(sum(rates)) if rates else None


def _prefix_hit_rate(recording: Recording) -> float | None:
    queried = sum(pool.prefix_queried_tokens for pool in recording.pools)
    return sum(pool.prefix_hit_tokens for pool in recording.pools) / queried if queried else None


def _bottlenecks(pools: Iterable[PoolUse], context: RunContext) -> dict[str, float]:
    """Shares of the pools, weighted by their busy replica time."""
    weights = {
        use.name: (use.utilisation or 0.0) * about.replicas
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


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1e3
