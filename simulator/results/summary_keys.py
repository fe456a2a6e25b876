"""The figures of a run as flat keys: those of ``vllm bench serve``, and ours beside them.

What is unknown is None; percentages are shares, times in the unit that ends the key.
"""

from __future__ import annotations

from dataclasses import asdict
from math import ceil
from typing import TYPE_CHECKING, Any

from simulator.results.ranges import mid, named, times
from simulator.results.task_summary import task_keys
from simulator.results.transfers import transfer_dict

if TYPE_CHECKING:
    from simulator.results.summary import Summary


def keys_of(summary: Summary) -> dict[str, Any]:
    """Flat keys as in vLLM's benchmark results, plus ours; plain JSON values without NaN."""
    return {
        **_identity(summary),
        **_throughput(summary),
        **_latency_keys(summary),
        **_slo_keys(summary),
        **_use_keys(summary),
        **({} if summary.drafting is None else summary.drafting.keys()),
        **_fleet_keys(summary),
        **_cost_keys(summary),
        **_energy_keys(summary),
        **task_keys(summary.tasks),
        "pools": [_pool_dict(summary, i) for i in range(len(summary.pools))],
        **_classes(summary),
        **({} if summary.transfers is None else {"transfers": transfer_dict(summary.transfers)}),
        "error_bars": [bar.to_dict() for bar in summary.error_bars],
        "messages": list(summary.messages),
    }


def _classes(summary: Summary) -> dict[str, Any]:
    tenants = summary.tenants
    return {"classes": [one.to_dict(summary.duration_s) for one in tenants]} if tenants else {}


def _identity(summary: Summary) -> dict[str, Any]:
    return {
        "scenario": summary.context.scenario,
        "model_id": summary.context.model,
        "seed": summary.context.seed,
        "num_prompts": summary.counts.issued,
        "warmup_s": summary.context.warmup_ns / 1e9,
        "rests_on_estimates": summary.context.rests_on_estimates,
    }


def _throughput(summary: Summary) -> dict[str, Any]:
    counts = summary.counts
    return {
        "duration": summary.duration_s,
        "completed": counts.completed,
        "failed": counts.failed,
        "unfinished": counts.unfinished,
        "measured_requests": counts.measured,
        "requests_by_status": counts.by_status,
        "total_input_tokens": counts.input_tokens,
        "total_output_tokens": counts.output_tokens,
        "total_thinking_tokens": counts.thinking_tokens,
        "total_vain_thinking_tokens": counts.vain_thinking_tokens,
        "arrival_rate": summary.load.arrival_rate,
        "request_throughput": summary.rate(counts.completed),
        "request_goodput": summary.rate(counts.goodput_requests),
        "output_throughput": summary.rate(counts.output_tokens),
        "total_token_throughput": summary.rate(counts.input_tokens + counts.output_tokens),
        "max_output_tokens_per_s": summary.max_output_tokens_per_s,
        "max_concurrent_requests": counts.max_concurrent,
        "overloaded": summary.load.overloaded,
        "sustained_request_rate": summary.load.sustained_rate,
    }


def _latency_keys(summary: Summary) -> dict[str, Any]:
    named = (
        ("ttft", summary.latency.ttft),
        ("tpot", summary.latency.tpot),
        ("itl", summary.latency.itl),
        ("e2el", summary.latency.e2el),
        ("queue", summary.latency.queue),
        ("ttfat", summary.latency.ttfat),
    )
    statistics = ("mean", "median", "std", "p50", "p90", "p95", "p99")
    return {
        f"{statistic}_{name}_ms": None if values is None else getattr(values, statistic)
        for name, values in named
        for statistic in statistics
    }


def _slo_keys(summary: Summary) -> dict[str, Any]:
    slo, reached = summary.context.slo, summary.attainment
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


def _use_keys(summary: Summary) -> dict[str, Any]:
    return {
        "prefix_cache_hit_rate": summary.prefix_hit_rate,
        "preemptions": summary.preemptions,
        "bottlenecks": summary.bottlenecks(),
    }


def _fleet_keys(summary: Summary) -> dict[str, Any]:
    pools = summary.context.pools
    rated = [None if pool.rated_w is None else pool.rated_w * pool.replicas for pool in pools]
    facility = mid(summary.energy.facility_j)
    tpot = summary.latency.tpot
    return {
        "devices": sum(pool.devices for pool in pools),
        "systems": sum(ceil(pool.devices / pool.devices_per_system) for pool in pools),
        "power_limit_w": None if None in rated else sum(watts for watts in rated if watts is not None),
        "facility_power_w": summary.rate(facility),
        "tokens_per_s_user": None if tpot is None or not tpot.median else 1e3 / tpot.median,
        "carbon_per_1000_requests_g": mid(times(summary.carbon.per_request_g, 1e3)),
    }


def _cost_keys(summary: Summary) -> dict[str, Any]:
    cost = summary.cost
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
        **_break_even_keys(summary),
    }


def _break_even_keys(summary: Summary) -> dict[str, Any]:
    found = summary.break_even
    return {
        "api": None if found is None else found.api,
        "api_cost_usd": None if found is None else found.total,
        **named("break_even_requests_per_s", None if found is None else found.requests_per_s),
        **named("break_even_load", None if found is None else found.utilisation),
    }


def _energy_keys(summary: Summary) -> dict[str, Any]:
    energy = summary.energy
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
        **named("carbon_kg", summary.carbon.operational_kg),
        **named("carbon_per_request_g", summary.carbon.per_request_g),
        **named("embodied_carbon_kg", summary.carbon.embodied_kg),
        **named("embodied_carbon_per_request_g", summary.carbon.embodied_per_request_g),
        **named("water_l", summary.water.litres),
        **named("water_per_request_ml", summary.water.per_request_ml),
    }


def _pool_dict(summary: Summary, index: int) -> dict[str, Any]:
    about, use = summary.context.pools[index], summary.pools[index]
    return {
        "device": about.device,
        "devices": about.devices,
        "replicas": about.replicas,
        "role": about.role,
        "model": about.model,
        **asdict(use),
        "cost_usd": summary.cost.by_pool_usd[about.name],
        "backend": about.backend,
        "provenance": about.provenance,
        "estimates": list(about.estimates),
        "accuracy_changes": [asdict(change) for change in about.accuracy_changes],
    }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1e3
