"""Runs one scenario."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from simulator.engine.adaptation import AdaptationPlan
from simulator.engine.cluster import ClusterPlan
from simulator.models.catalogue import load_model
from simulator.results.result import Result, RunMeta
from simulator.scenario.cluster import ClusterSpec
from simulator.scenario.scenario import Scenario
from simulator.simulation.context import context_of, replica_price
from simulator.simulation.event_loop import Progress, simulate
from simulator.simulation.in_vain import asked_in_vain
from simulator.simulation.operations import operations_plan
from simulator.simulation.pools import PreparedPool, prepare_pools
from simulator.simulation.serving import serving_delays
from simulator.simulation.tenants import limits_of, tenant_plans, traffic_of
from simulator.simulation.traffic import urgencies_of
from simulator.simulation.wiring import attachment_of, check_ways, transfer_plan
from simulator.units.clock import ns_from_seconds
from simulator.units.random_streams import RandomStreams


def run_scenario(scenario: Scenario, seed: int | None = None, progress: Progress | None = None) -> Result:
    """Simulate a scenario until its last request has ended.

    Parameters
    ----------
    scenario
        A checked scenario.
    seed
        Instead of the scenario's own.
    progress
        Called now and then with simulated time [ns] and the share of the work that is done.

    Raises
    ------
    InputError
        Where a trace is missing or empty, a request is too long for the cluster, or the seed is no seed.
    DoesNotFitError
        Where the model does not fit the devices.
    """
    scenario = scenario.with_seed(seed)
    started = time.perf_counter()
    card = load_model(scenario.model.card)
    pools = prepare_pools(scenario)
    streams = RandomStreams(scenario.seed)
    traffic = traffic_of(scenario, streams)
    recording = simulate(
        cluster_plan(scenario, pools),
        traffic,
        streams,
        requests=scenario.requests,
        until_ns=None if scenario.duration is None else ns_from_seconds(scenario.duration),
        reasoning=None if scenario.reasoning is None else scenario.reasoning.of_model(card.id),
        progress=progress,
    )
    meta = RunMeta.here(time.perf_counter() - started)
    notes = asked_in_vain(scenario, urgencies_of(traffic), recording.end_ns)
    context = context_of(scenario, pools, notes)
    return Result.of(scenario_values(scenario), recording, context, meta)


def cluster_plan(scenario: Scenario, pools: list[PreparedPool]) -> ClusterPlan:
    """The cluster of a scenario, resolved.

    Raises
    ------
    InputError
        Where a KV cache has no known way from one pool to another.
    """
    network, prices = scenario.cluster.network, scenario.prices
    plans = tuple(
        replace(
            pool.plan,
            model=scenario.model_of(pool.spec).card,
            attachment=attachment_of(pool.spec, pool.device, pool.backend.placement.devices, network),
            usd_per_hour=replica_price(pool, prices),
        )
        for pool in pools
    )
    check_ways(scenario.cluster, [plan.attachment for plan in plans])
    return ClusterPlan(
        pools=plans,
        router=scenario.cluster.router,
        delays=serving_delays(scenario, pools),
        tenants=tenant_plans(scenario),
        limits=limits_of(scenario.cluster.admission),
        refuses=scenario.cluster.admission is not None and scenario.cluster.admission.too_long == "refuse",
        decode_router=scenario.cluster.decode_router,
        transfer=transfer_plan(scenario.cluster),
        jumping=scenario.jumping,
        keep_steps=scenario.record == "steps",
        adaptation=adaptation_plan(scenario.cluster),
        counted_from_ns=ns_from_seconds(scenario.warmup),
        operations=operations_plan(scenario, pools),
    )


def adaptation_plan(cluster: ClusterSpec) -> AdaptationPlan | None:
    """When replicas change sides; None: never."""
    spec = cluster.adapt
    if spec is None:
        return None
    return AdaptationPlan(
        interval_ns=ns_from_seconds(spec.interval),
        change_ns=ns_from_seconds(spec.change_time or 0.0),
        most_waiting=spec.max_waiting,
        most_kv_use=spec.max_kv_use,
        least_prefill=spec.min_prefill,
        least_decode=spec.min_decode,
    )


def scenario_values(scenario: Scenario) -> dict[str, Any]:
    """The scenario as plain YAML values, without what was left to defaults."""
    values = scenario.model_dump(mode="json", exclude_unset=True)
    if scenario.tenants:
        del values["workload"]  # it stands with the tenants
    return values
