"""What a reader must know before trusting a figure, in sentences."""

from __future__ import annotations

from simulator.results.carbon import CarbonSummary
from simulator.results.context import RunContext
from simulator.results.cost import CostSummary
from simulator.results.energy import EnergySummary
from simulator.results.error_bars import ErrorBar
from simulator.results.idle import idle_machines
from simulator.results.measured import Measured
from simulator.results.overload import Load
from simulator.results.pool_use import PoolUse
from simulator.results.task_summary import TaskSummary
from simulator.results.water import WaterSummary

#: Draining longer than this share of the measured time is said [1].
_LONG_DRAIN = 0.1


def messages_of(
    context: RunContext,
    pools: tuple[PoolUse, ...],
    measured: Measured,
    by_status: dict[str, int],
    unfinished: int,
    load: Load,
    cost: CostSummary,
    energy: EnergySummary,
    carbon: CarbonSummary,
    water: WaterSummary,
    tasks: TaskSummary | None,
    error_bars: tuple[ErrorBar, ...],
    held_up: tuple[str, ...],
) -> tuple[str, ...]:
    """Caveats of one run, the gravest first; where nothing was measured, that alone."""
    if measured.nothing:
        return (
            f"No request arrived after the warm-up of {measured.warmup_s:.4g} s (the last one came at"
            f" {measured.last_arrival_s:.4g} s), so nothing is measured: shorten the warm-up or use more"
            " requests.",
        )
    found = [
        *_about_load(load),
        *held_up,
        *_about_span(measured),
        *_about_losses(by_status, unfinished),
        *_about_tasks(context, pools, load, tasks),
        *_about_unknowns(context, cost, energy),
        *_about_owning(context, pools),
        *_about_surroundings(context, energy, carbon, water),
        *_about_estimates(context),
        *_about_accuracy(context),
        *_about_errors(error_bars),
        *(note for pool in context.pools for note in pool.notes),
        *context.notes,
    ]
    return tuple(found)


def _about_load(load: Load) -> list[str]:
    if not load.overloaded or load.sustained_rate is None:
        return []
    arriving = "" if load.arrival_rate is None else f" while {load.arrival_rate:.3g}/s arrived"
    return [
        f"Overloaded: the queue grew without bound, most of it {load.where}. The system served"
        f" {load.sustained_rate:.3g} requests/s{arriving}: from about {load.sustained_rate:.3g} requests/s"
        " on, the queue grows and latencies say more about the length of the run than about the system."
    ]


def _about_span(measured: Measured) -> list[str]:
    """What the warm-up takes and the draining adds."""
    found = []
    if 2 * measured.requests < measured.issued:
        found.append(
            f"Only {measured.requests} of {measured.issued} requests are measured: the others arrived in the"
            f" warm-up of {measured.warmup_s:.4g} s."
        )
    if measured.drain_s is not None and measured.drain_s > _LONG_DRAIN * measured.duration_s:
        found.append(
            f"The run goes on for {measured.drain_s:.3g} s after the last arrival"
            f" ({measured.drain_s / measured.duration_s:.0%} of the measured time), and cost, energy and"
            " throughput include it: use more requests or a longer duration."
        )
    return found


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


def _about_tasks(
    context: RunContext, pools: tuple[PoolUse, ...], load: Load, tasks: TaskSummary | None
) -> list[str]:
    """Trees that end too early, and costs per task that no strategy has to answer for."""
    if tasks is None:
        return []
    found = []
    if tasks.cut_by_depth:
        found.append(
            f"{tasks.cut_by_depth} of {tasks.ended} tasks were cut by depth: reasoning.strategy.most_depth"
            " ends their trees before the thinking that the workload draws; without it they go to its end."
        )
    idle = idle_machines(context, pools, load, tasks)
    return [*found, idle] if idle else found


def _about_unknowns(context: RunContext, cost: CostSummary, energy: EnergySummary) -> list[str]:
    found = []
    if cost.per_hour is None:
        devices = sorted(
            {
                f"{pool.device} ({pool.no_price})" if pool.no_price else pool.device
                for pool in context.pools
                if pool.price is None and pool.purchase is None
            }
        )
        reason = (
            f"no price for {', '.join(devices)}"
            if devices
            else ("that of the electricity is not known; name prices.region or give prices.electricity")
        )
        found.append(f"Cost is unknown: {reason}.")
    if energy.total_j is None:
        missing = [reason for pool in context.pools for reason in pool.no_power]
        reasons = list(dict.fromkeys(missing)) or [_without_energy(context)]
        found.append(f"Energy is unknown: {'; '.join(reasons)}.")
    return found


def _about_owning(context: RunContext, pools: tuple[PoolUse, ...]) -> list[str]:
    """What is rented though it was to be owned, and what is owned though it is not always on."""
    rented = [
        f"Pool {pool.name!r} is rented, not owned: {pool.no_purchase}."
        for pool in context.pools
        if pool.no_purchase and pool.price is not None
    ]
    idle = [
        f"Pool {pool.name!r}: all {pool.autoscale_max} replicas of its autoscale.max are owned and paid for,"
        f" though {use.fleet.mean_on:.3g} were on on average and at most {use.fleet.most_serving} served."
        for pool, use in zip(context.pools, pools, strict=True)
        if pool.owned and pool.autoscale_max and use.fleet and use.owned_share > use.on_share
    ]
    return [*rented, *idle]


def _without_energy(context: RunContext) -> str:
    backends = ", ".join(dict.fromkeys(pool.backend for pool in context.pools))
    return (
        f"steps priced by {backends} have no energy; cluster.pools.N.latency names the backend, and"
        " cluster.pools.N.power says what devices draw"
    )


def _about_surroundings(
    context: RunContext, energy: EnergySummary, carbon: CarbonSummary, water: WaterSummary
) -> list[str]:
    """What of hosts, carbon and water is not known, where the energy of the devices is."""
    if energy.total_j is None:
        return []
    found = []
    if energy.missing.pools:
        found.append(
            f"Hosts of {energy.missing.in_words} are left out of the energy, and of what it costs and emits:"
            f" their draw is not known; say {energy.missing.keys}."
        )
    if carbon.operational_kg is None:
        found.append(
            "Carbon is unknown: name the grid in prices.region, or give its intensity as prices.grid_carbon."
        )
    if water.litres is None:
        found.append("Water is unknown: name prices.region, or give prices.grid_water and prices.site_water.")
    return found


def _about_errors(error_bars: tuple[ErrorBar, ...]) -> list[str]:
    """Pools of which nothing near was ever measured."""
    return [f"Pool {bar.pool!r}: {bar.text}" for bar in error_bars if not bar.known]


def _about_accuracy(context: RunContext) -> list[str]:
    return [
        f"Pool {pool.name!r}: {change.text}." for pool in context.pools for change in pool.accuracy_changes
    ]


def _about_estimates(context: RunContext) -> list[str]:
    return [
        f"Pool {pool.name!r} rests on estimates: {'; '.join(pool.estimates)}."
        for pool in context.pools
        if pool.estimates
    ]
