"""Runs one scenario."""

from __future__ import annotations

import time
from collections.abc import Callable

from simpy.core import EmptySchedule

from simulator.engine.cluster import Cluster, ClusterPlan
from simulator.engine.limits import longest_request, refuse_length
from simulator.engine.pool import PoolPlan
from simulator.engine.sources import ClosedLoop, OpenLoop, requests_of
from simulator.engine.timing import NsEnvironment
from simulator.engine.transfer import LinkPlan
from simulator.models.catalogue import load_model
from simulator.results.result import Result, RunMeta
from simulator.scenario.scenario import Scenario
from simulator.simulation.context import context_of
from simulator.simulation.pools import prepare_pools
from simulator.units.clock import ns_from_seconds
from simulator.units.random_streams import RandomStreams
from simulator.workload.build import build_workload
from simulator.workload.traffic import RequestSource

#: Told the simulated time [ns] and the share of the work that is done (None where unknown).
Progress = Callable[[int, float | None], None]

#: Wall time between two calls of it [s], and events between two looks at the clock.
PROGRESS_S = 0.2
PROGRESS_EVENTS = 2048


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
        Where a trace is missing or empty, or a request is too long for the cluster.
    DoesNotFitError
        Where the model does not fit the devices.
    """
    if seed is not None:
        scenario = scenario.model_copy(update={"seed": seed})
    started = time.perf_counter()
    card = load_model(scenario.model.card)
    pools = prepare_pools(scenario, card)
    plans = tuple(pool.plan for pool in pools)
    streams = RandomStreams(scenario.seed)
    source = build_workload(
        scenario.workload, streams, scenario.requests, scenario.duration, scenario.workload_dir
    )
    refuse_long_requests(source, plans)
    env = NsEnvironment()
    cluster = Cluster(env, _cluster_plan(scenario, plans), streams)
    _start_traffic(scenario, source, cluster)
    _run_to_the_end(scenario, cluster, progress)
    context = context_of(scenario, scenario.seed, card, pools)
    recording = cluster.recording()
    meta = RunMeta.here(time.perf_counter() - started)
    return Result.of(scenario_values(scenario), recording, context, meta)


def refuse_long_requests(source: RequestSource, pools: tuple[PoolPlan, ...]) -> None:
    """Refuse a workload whose longest possible request no pool could hold.

    Where lengths are unbounded nothing is known yet; the gateway refuses each as it comes.
    """
    longest = source.max_total_tokens
    if longest is not None and longest > longest_request(pools):
        outputs = [pool for pool in pools if pool.role != "prefill"]
        raise refuse_length(outputs, longest, "the longest request can have")


def scenario_values(scenario: Scenario) -> dict[str, object]:
    """The scenario as plain YAML values, without what was left to defaults."""
    return scenario.model_dump(mode="json", exclude_unset=True)


def _cluster_plan(scenario: Scenario, pools: tuple[PoolPlan, ...]) -> ClusterPlan:
    transfer = scenario.cluster.transfer
    return ClusterPlan(
        pools=pools,
        policy=scenario.cluster.router.policy,
        link=None if transfer is None else LinkPlan(transfer.bandwidth, ns_from_seconds(transfer.latency)),
        jumping=scenario.jumping,
        keep_steps=scenario.record == "steps",
    )


def _start_traffic(scenario: Scenario, source: RequestSource, cluster: Cluster) -> None:
    caching = any(pool.settings.enable_prefix_caching for pool in cluster.plan.pools)
    requests = requests_of(source, with_content=caching)
    if source.concurrency is None:
        OpenLoop(cluster.env, requests, cluster.submit)
        return
    until_ns = None if scenario.duration is None else ns_from_seconds(scenario.duration)
    ClosedLoop(cluster.env, requests, cluster.submit, source.concurrency, until_ns)


def _run_to_the_end(scenario: Scenario, cluster: Cluster, progress: Progress | None) -> None:
    """Take events until there are none. An overloaded cluster ends too: its arrivals do."""
    env = cluster.env
    if progress is None:
        env.run()
        return
    step = env.step
    told = time.monotonic()
    try:
        while True:
            for _ in range(PROGRESS_EVENTS):
                step()
            now = time.monotonic()
            if now - told >= PROGRESS_S:
                told = now
                progress(env.now, _share_done(scenario, cluster))
    except EmptySchedule:
        progress(env.now, 1.0)


def _share_done(scenario: Scenario, cluster: Cluster) -> float:
    """The share of the requests that have ended, or of the time that is over, whichever is further."""
    shares = []
    if scenario.requests is not None:
        shares.append(cluster.gateway.ended / scenario.requests)
    if scenario.duration is not None:
        shares.append(cluster.env.now / ns_from_seconds(scenario.duration))
    return min(max(shares), 1.0)
