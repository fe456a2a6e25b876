"""What a reader must know before trusting a figure, in sentences."""

from __future__ import annotations

from simulator.results.context import RunContext
from simulator.results.cost import CostSummary
from simulator.results.energy import EnergySummary
from simulator.results.overload import Load


def messages_of(
    context: RunContext,
    by_status: dict[str, int],
    unfinished: int,
    load: Load,
    cost: CostSummary,
    energy: EnergySummary,
) -> tuple[str, ...]:
    """Caveats of one run, the gravest first."""
    found = [
        *_about_load(load),
        *_about_losses(by_status, unfinished),
        *_about_unknowns(context, cost, energy),
        *_about_estimates(context),
        *context.notes,
    ]
    return tuple(found)


def _about_load(load: Load) -> list[str]:
    if not load.overloaded or load.sustained_rate is None:
        return []
    arriving = "" if load.arrival_rate is None else f" while {load.arrival_rate:.3g}/s arrived"
    return [
        f"Overloaded: the queue grew without bound. The system served {load.sustained_rate:.3g} requests/s"
        f"{arriving}: from about {load.sustained_rate:.3g} requests/s on, the queue grows and latencies say "
        "more about the length of the run than about the system."
    ]


def _about_losses(by_status: dict[str, int], unfinished: int) -> list[str]:
    ended = sum(by_status.values())
    lost = [
        f"{count} of {ended} requests ended as {status.replace('_', ' ')} ({count / ended:.1%}); "
        "latencies are of the finished ones."
        for status, count in by_status.items()
        if status != "finished" and count
    ]
    if unfinished:
        lost.append(
            f"{unfinished} requests were still in the system when the run ended; no latency counts them."
        )
    if by_status.get("finished", 0) == 0:
        lost.append("No request finished in the measured time, so there are no latencies.")
    return lost


def _about_unknowns(context: RunContext, cost: CostSummary, energy: EnergySummary) -> list[str]:
    found = []
    if cost.per_hour_usd is None:
        devices = sorted({pool.device for pool in context.pools if pool.price is None})
        found.append(f"Cost is unknown: no price for {', '.join(devices)}.")
    if energy.total_j is None:
        devices = sorted({pool.device for pool in context.pools if pool.idle_w is None})
        reason = f"no power figures for {', '.join(devices)}" if devices else "a step's energy is unknown"
        found.append(f"Energy is unknown: {reason}.")
    elif energy.carbon_kg is None:
        found.append("Carbon is unknown: the grid's intensity or the PUE is not given.")
    return found


def _about_estimates(context: RunContext) -> list[str]:
    return [
        f"Pool {pool.name!r} rests on estimates: {'; '.join(pool.estimates)}."
        for pool in context.pools
        if pool.estimates
    ]
