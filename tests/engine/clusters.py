"""Small clusters with plain step times, and what tests ask of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import TypeAdapter

from simulator.engine.cluster import Cluster, ClusterPlan
from simulator.engine.pool import PoolPlan
from simulator.engine.request import Request
from simulator.engine.settings import EngineSettings
from simulator.engine.sources import OpenLoop
from simulator.engine.timing import NsEnvironment
from simulator.engine.transfers import TransferPlan
from simulator.latency.linear import LinearPricer
from simulator.scenario.backend import LinearBackendSpec
from simulator.scenario.routing import AnyRouterSpec, RouterSpec
from simulator.units.random_streams import RandomStreams

MS = 1_000_000
#: A step takes 10 ms, and 10 us per prompt token on top.
STEP_NS = 10 * MS
PREFILL_TOKEN_NS = 10_000


#: Settings of transfers.
TRANSFER_SETTINGS = {"link", "nodes", "sharing", "overlaps", "failure_probability", "retries"}
#: Settings of some policies.
ROUTER_SETTINGS = {
    "choices",
    "view",
    "staleness",
    "overlap_weight",
    "most_ahead",
    "urgent",
    "reserved",
    "spill_at",
}


def settings(**changes: Any) -> EngineSettings:
    """Synchronous scheduling, room for a thousand blocks."""
    plain = {"num_gpu_blocks": 1001, "enable_prefix_caching": False, "max_num_seqs": 16}
    return EngineSettings(**{**plain, **changes})


def pricer(**changes: int) -> LinearPricer:
    """Steps of 10 ms plus 10 us per prompt token, unless said otherwise."""
    plain = {"base_ns": STEP_NS, "prefill_token_ns": PREFILL_TOKEN_NS}
    return LinearPricer(LinearBackendSpec(**{**plain, **changes}), None)


def pool(name: str = "main", **changes: Any) -> PoolPlan:
    """A unified pool of one replica, unless said otherwise."""
    plain = {"settings": settings(), "pricer": pricer()}
    return PoolPlan(name=name, **{**plain, **changes})


def router_spec(policy: str, **settings: Any) -> AnyRouterSpec:
    """The router that a scenario names so."""
    needed = {"spill_at": 4} if policy == "cheapest" else {}
    return TypeAdapter(RouterSpec).validate_python({"policy": policy, **needed, **settings})


def cluster(*pools: PoolPlan, **changes: Any) -> Cluster:
    """A cluster of these pools (default: one) at time zero."""
    sending = {key: changes.pop(key) for key in TRANSFER_SETTINGS & set(changes)}
    if sending:
        changes["transfer"] = TransferPlan(sending.pop("link", None), **sending)
    if "policy" in changes:
        extra = {key: changes.pop(key) for key in ROUTER_SETTINGS & set(changes)}
        changes["router"] = router_spec(changes.pop("policy"), **extra)
    plan = ClusterPlan(pools or (pool(),), **changes)
    return Cluster(NsEnvironment(), plan, RandomStreams(0))


def request(index: int, arrival_ns: int = 0, prompt: int = 100, output: int = 5, **more: Any) -> Request:
    """A request of 100 + 5 tokens at time zero, unless said otherwise."""
    return Request(index, arrival_ns, prompt, output, **more)


def run(target: Cluster, requests: Iterable[Request]) -> list[Request]:
    """Send requests at their times, let time run out; the requests in order of ending."""
    ended: list[Request] = []
    traffic = sorted(requests, key=lambda r: r.arrival_ns)
    for one in traffic:
        one.on_end = ended.append
    OpenLoop(target.env, iter(traffic), target.submit)
    target.env.run()
    return ended


def evenly(count: int, gap_ns: int, **more: Any) -> Sequence[Request]:
    """Requests at equal distances."""
    return [request(i, i * gap_ns, **more) for i in range(count)]
