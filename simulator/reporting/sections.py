"""The content of a report: the question, the answer in headline numbers, tables, where figures come from."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.reporting import numbers as show
from simulator.reporting.hardware import replica_in_words, replicas_in_words
from simulator.reporting.resource_tables import (
    cost_table,
    energy_table,
    per_hour,
    pool_table,
    transfer_tables,
)
from simulator.reporting.service_tables import latency_table, task_tables, tenant_tables, traffic_table
from simulator.reporting.table import Table
from simulator.results.distributions import Distribution
from simulator.results.result import Result


@dataclass(frozen=True, slots=True)
class Tile:
    """One headline number. ``tone`` is "good", "bad" or "" and colours it."""

    label: str
    value: str
    detail: str = ""
    tone: str = ""


def question(result: Result) -> str:
    """What was asked, in one sentence."""
    context = result.context
    load = f" under {context.workload}" if context.workload else ""
    served: dict[str, list[str]] = {}
    for number, pool in enumerate(context.pools):
        served.setdefault(pool.model or context.model, []).append(_hardware(result, number))
    if len(served) == 1:
        served = {context.model: next(iter(served.values()))}
    return " and ".join(f"{model} on {', '.join(pools)}" for model, pools in served.items()) + load


def tiles(result: Result) -> tuple[Tile, ...]:
    """The answer in headline numbers."""
    summary = result.summary
    return (
        _slo_tile(result),
        Tile(
            "Requests served",
            show.number(summary.rate(summary.counts.completed), "/s"),
            f"{show.number(summary.load.arrival_rate, '/s')} arrived",
            "bad" if summary.load.overloaded else "",
        ),
        Tile(
            "Output tokens",
            show.number(summary.rate(summary.counts.output_tokens), "/s"),
            f"{show.number(_total_tokens_rate(result), '/s')} with input",
        ),
        _latency_tile("Time to first token", summary.latency.ttft),
        _latency_tile("Time per output token", summary.latency.tpot),
        Tile(
            "Cost",
            show.dollars(summary.cost.per_million_output_tokens_usd),
            f"per million output tokens; {per_hour(result)}",
        ),
        Tile(
            "Energy",
            show.number(summary.energy.per_output_token_j, "J", show.UNKNOWN),
            "per output token, devices only",
        ),
    )


def tables_of(result: Result) -> tuple[Table, ...]:
    """All tables of one result, in reading order."""
    return (
        latency_table(result),
        traffic_table(result),
        cost_table(result),
        energy_table(result),
        *task_tables(result),
        *tenant_tables(result),
        *transfer_tables(result),
        pool_table(result),
    )


def provenance(result: Result) -> tuple[str, ...]:
    """Where the step times of each pool come from, and how far such figures were off where measured."""
    lines = [
        f"Pool {pool.name} ({pool.device}): {pool.provenance}"
        for pool in result.context.pools
        if pool.provenance
    ]
    lines += [f"Error bars, pool {bar.pool}: {bar.text}" for bar in result.summary.error_bars if bar.known]
    return tuple(lines)


def _hardware(result: Result, index: int) -> str:
    pool = result.context.pools[index]
    count = replicas_in_words(pool, result.summary.pools[index])
    replicas = "" if count == "1" else f"{count} × "
    role = "" if pool.role == "unified" else f" ({pool.role})"
    return f"{replicas}{replica_in_words(pool)}{role}"


def _slo_tile(result: Result) -> Tile:
    reached = result.summary.attainment
    if reached.met is None:
        given = any(slo.given for slo in result.context.objectives)
        return Tile("Objectives", "no requests" if given else "none given")
    tone = "good" if reached.met else "bad"
    within = ", ".join(f"{name} by {show.percent(share)}" for name, share in reached.percentiles.items())
    if reached.overall is None:
        return Tile("Objectives", "met" if reached.met else "missed", within, tone)
    wanted = _asked_share(result)
    wanted = f"{wanted}; {within}" if within else wanted
    return Tile("Objectives met by", show.percent(reached.overall), wanted, tone)


def _asked_share(result: Result) -> str:
    """The share of requests that is asked for, with tenants by each that asks for any."""
    context = result.context
    if not context.tenants:
        return f"{show.percent(context.slo.attainment)} of requests asked for"
    asked = [
        f"{tenant.name} {show.percent(tenant.slo.attainment)}"
        for tenant in context.tenants
        if tenant.slo.per_request
    ]
    return f"asked for: {', '.join(asked)}"


def _latency_tile(label: str, values: Distribution | None) -> Tile:
    if values is None:
        return Tile(label, show.NOTHING)
    return Tile(label, show.milliseconds(values.p50), f"median; p99 {show.milliseconds(values.p99)}")


def _total_tokens_rate(result: Result) -> float | None:
    counts = result.summary.counts
    return result.summary.rate(counts.input_tokens + counts.output_tokens)
