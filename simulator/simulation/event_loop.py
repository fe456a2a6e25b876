"""Simulated time from the first arrival to the last end: a cluster's plan and a workload in, columns out."""

from __future__ import annotations

import gc
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from simulator.engine.cluster import Cluster, ClusterPlan, pools_of
from simulator.engine.limits import longest_request, refuse_length
from simulator.engine.sources import ClosedLoop, OpenLoop
from simulator.engine.timing import NsEnvironment
from simulator.errors import InputError
from simulator.reasoning.build import build_desk
from simulator.results.recording import Recording
from simulator.scenario.reasoning import ReasoningSpec
from simulator.simulation.traffic import TenantTraffic
from simulator.units.random_streams import RandomStreams
from simulator.workload.traffic import RequestSource

#: Told the simulated time [ns] and the share of the work that is done (None where unknown).
Progress = Callable[[int, float | None], None]

#: Wall time between two calls of it [s], and events between two looks at the clock.
PROGRESS_S = 0.2
PROGRESS_EVENTS = 2048
#: Latest time that can be recorded, after 292 years [ns].
LAST_NS = 2**63 - 1
#: New objects between two searches for cyclic garbage.
YOUNG_OBJECTS = 500_000


def simulate(
    plan: ClusterPlan,
    traffic: RequestSource | Sequence[TenantTraffic],
    streams: RandomStreams,
    *,
    requests: int | None = None,
    until_ns: int | None = None,
    reasoning: ReasoningSpec | None = None,
    progress: Progress | None = None,
) -> Recording:
    """Run a workload through a cluster until its last request has ended.

    An overloaded cluster ends too, for its arrivals do.

    Parameters
    ----------
    plan, traffic
        The cluster and its traffic: one workload, or that of each of the plan's first tenants.
    streams
        Randomness of the routers and of speculation.
    requests
        How many there will be, where it is known (for ``progress``).
    until_ns
        When a closed loop stops sending that has no end of its own [ns]; an open loop ends by itself.
    reasoning
        What each arrival becomes; None: a request of its own.
    progress
        Called now and then with simulated time [ns] and the share of the work that is done.

    Raises
    ------
    InputError
        Where a request is too long for the cluster, or something takes longer than the clock can count.
    """
    tenants = traffic if isinstance(traffic, Sequence) else [TenantTraffic(traffic)]
    refuse_long_requests(plan, tenants)
    env = NsEnvironment()
    cluster = Cluster(env, plan, streams)
    reads = any(pool.settings.enable_prefix_caching for pool in plan.pools)
    stops = tenants[0].source.ends_on_stop
    desk = None if reasoning is None else build_desk(reasoning, cluster, streams, stops=stops)
    submit = cluster.submit if desk is None else desk.submit
    for number, tenant in enumerate(tenants):
        requests_of_tenant = tenant.requests(number, len(tenants), with_content=reads)
        if tenant.source.concurrency is None:
            OpenLoop(env, requests_of_tenant, submit, cluster.sole_receiver() if desk is None else None)
        else:
            end_ns = until_ns if tenant.until_ns is None else tenant.until_ns
            ClosedLoop(env, requests_of_tenant, submit, tenant.source.concurrency, end_ns)
    with rare_collections(), within_the_clock(env):
        _run(cluster, desk or cluster.gateway, requests, until_ns, progress)
        recording = cluster.recording()
    return recording if desk is None else replace(recording, tasks=desk.recording())


def refuse_long_requests(plan: ClusterPlan, tenants: Sequence[TenantTraffic]) -> None:
    """Refuse a workload whose longest possible request no pool could hold, unless the gateway is to.

    Where lengths are unbounded nothing is known yet; the gateway refuses each as it comes.

    Raises
    ------
    InputError
        Where a request is too long for the cluster.
    """
    if plan.refuses:
        return
    for tenant, about in zip(tenants, plan.tenants, strict=False):
        longest, pools = tenant.source.max_total_tokens, pools_of(plan.pools, about)
        if longest is not None and longest > longest_request(pools):
            outputs = [pool for pool in pools if pool.role != "prefill"]
            raise refuse_length(outputs, longest, "the longest request can have")


class Work(Protocol):
    """What is to be done: a gateway's requests, a desk's tasks."""

    @property
    def ended(self) -> int:
        """How many are done."""
        ...


def _run(
    cluster: Cluster, work: Work, requests: int | None, until_ns: int | None, progress: Progress | None
) -> None:
    """Take events until there are none."""
    env = cluster.env
    told = time.monotonic()
    while _goes_on(cluster):
        now = time.monotonic()
        if progress is not None and now - told >= PROGRESS_S:
            told = now
            progress(env.now, _share_done(env.now, work, requests, until_ns))
    if progress is not None:
        progress(env.now, 1.0)


def _goes_on(cluster: Cluster) -> bool:
    """Take some events; False where there are none that matter.

    Where requests wait for a replica and nothing else is under way, what happens to machines matters; where
    none can come any more, the requests have failed.
    """
    if cluster.env.advance(PROGRESS_EVENTS):
        return True
    if cluster.may_go_on():
        cluster.env.step()
        return True
    return cluster.give_up() > 0


@contextmanager
def within_the_clock(env: NsEnvironment) -> Iterator[None]:
    """Times are recorded as 64-bit integers; what lasts longer than those count is a slip of the pen."""
    try:
        yield
    except (struct.error, OverflowError):
        if env.now <= LAST_NS:
            raise
        raise InputError(
            "simulated time has gone beyond 292 years; part of the scenario is far too slow (a bandwidth, a"
            " rate) or lasts far too long"
        ) from None


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look for cyclic garbage seldom: the engine makes none to speak of, and holds a lot to look through."""
    usual = gc.get_threshold()
    gc.set_threshold(YOUNG_OBJECTS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _share_done(now_ns: int, work: Work, requests: int | None, until_ns: int | None) -> float | None:
    """The share of the requests that have ended, or of the time that is over, whichever is further."""
    shares = []
    if requests is not None:
        shares.append(work.ended / requests)
    if until_ns is not None:
        shares.append(now_ns / until_ns)
    return min(max(shares), 1.0) if shares else None
