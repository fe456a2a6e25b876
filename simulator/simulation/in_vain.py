"""What a scenario asks for in vain, in sentences for the result."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from simulator.scenario.scenario import Scenario
from simulator.scenario.workload.arrivals import ReplaySpec
from simulator.units.clock import NS_PER_S, ns_from_seconds
from simulator.units.quantity import USD, format_quantity

#: Share of the duration before which traffic that has ended is remarked upon.
_LONG_BEFORE = 0.5


def asked_in_vain(scenario: Scenario, urgencies: Collection[int], end_ns: int) -> tuple[str, ...]:
    """Notes on a run.

    Parameters
    ----------
    scenario
        What was run.
    urgencies
        Priorities that occur among its requests.
    end_ns
        When its last request ended [ns].
    """
    return (
        *_priorities(scenario, urgencies),
        *_failures(scenario, end_ns),
        *_duration(scenario, end_ns),
        *_purchases(scenario),
    )


def _priorities(scenario: Scenario, urgencies: Collection[int]) -> Iterator[str]:
    if len(urgencies) > 1 and not _heeds_priority(scenario):
        who = "Tenants" if scenario.tenants else "Requests"
        yield (
            f"{who} differ in priority, but priorities have no effect: set engine.scheduling_policy:"
            " priority."
        )


def _heeds_priority(scenario: Scenario) -> bool:
    """Whether the gateway's queue, the router or an engine lets the urgent go first."""
    cluster = scenario.cluster
    queues = cluster.admission is not None and cluster.admission.max_queue > 0
    routed = cluster.router.policy == "by_priority"
    return queues or routed or any(pool.engine.scheduling_policy == "priority" for pool in cluster.pools)


def _failures(scenario: Scenario, end_ns: int) -> Iterator[str]:
    failures = scenario.cluster.failures
    for fault in failures.scripted if failures is not None else ():
        if ns_from_seconds(fault.at) > end_ns:
            which = f"{fault.component} {fault.number} of pool {fault.pool!r}"
            yield (
                f"The failure of {which} at {fault.at:.6g} s never came: the run ended at"
                f" {end_ns / NS_PER_S:.6g} s."
            )


def _duration(scenario: Scenario, end_ns: int) -> Iterator[str]:
    """Traffic that ran out long before the time that was given to it."""
    asked, replayed = scenario.duration, isinstance(scenario.workload.arrivals, ReplaySpec)
    if asked is None or scenario.tenants or end_ns >= _LONG_BEFORE * asked * NS_PER_S:
        return
    if scenario.requests is not None or replayed:
        last = "row of the trace" if scenario.requests is None else f"of {scenario.requests:,} requests"
        yield (
            f"duration ({asked:.6g} s) had no effect: the last {last} had ended at {end_ns / NS_PER_S:.6g} s."
        )


def _purchases(scenario: Scenario) -> Iterator[str]:
    """Prices of hardware that nobody buys."""
    if scenario.prices.own is not None:
        return
    for number, pool in enumerate(scenario.cluster.pools):
        if pool.purchase is not None:
            said = f"cluster.pools.{number}.purchase, {format_quantity(pool.purchase, USD.unit)}"
            yield (
                f"The purchase price of pool {pool.name!r} ({said}) has no effect: hardware is rented; to own"
                " it say prices.own: {}."
            )
