"""A whole serving system in simulated time: gateway, routers, pools of replicas, links.

It takes requests one by one (`Cluster.submit`); who makes them (`engine.sources`, programs of
users) is not its business. A request's ``on_end`` is called when its client has the last token.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.engine.disaggregated import DisaggregatedServing
from simulator.engine.gateway import NO_DELAYS, Gateway, ServingDelays
from simulator.engine.pool import Pool, PoolPlan, Role
from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.engine.routing import ROUTERS, Router
from simulator.engine.timing import NsEnvironment
from simulator.engine.transfer import Link, LinkPlan
from simulator.engine.unified import UnifiedServing
from simulator.results.recording import Recording
from simulator.results.request_log import RequestLog
from simulator.units.random_streams import RandomStreams


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """What a cluster is made of.

    Attributes
    ----------
    pools
        Unified pools only, or prefill and decode pools.
    policy
        One of ``engine.routing.ROUTERS``; each role has a router of its own.
    link
        Way out of each prefill replica; needed where there are any.
    delays
        Of the serving program.
    jumping
        Whether uneventful steps are taken in one go (same results, faster).
    keep_steps
        Whether every step is recorded.
    """

    pools: tuple[PoolPlan, ...]
    policy: str = "round_robin"
    link: LinkPlan | None = None
    delays: ServingDelays = NO_DELAYS
    jumping: bool = True
    keep_steps: bool = False


class Cluster:
    """The cluster of a plan, empty at first."""

    def __init__(self, env: NsEnvironment, plan: ClusterPlan, streams: RandomStreams) -> None:
        self.env = env
        self.plan = plan
        self.requests = RequestLog()
        self.pools = [
            Pool(
                env,
                pool,
                number,
                streams.generator(f"pool.{number}"),
                jumping=plan.jumping,
                keep_steps=plan.keep_steps,
            )
            for number, pool in enumerate(plan.pools)
        ]
        self.gateway = Gateway(env, plan.pools, self.requests, plan.delays)
        self.gateway.serve = self._serving(streams).submit
        self.gateway.drop = self._drop
        self.gateway.neighbours = self._neighbours

    def submit(self, request: Request) -> None:
        """A client sends a request now.

        Raises
        ------
        InputError
            Where no replica could hold it.
        """
        self.gateway.submit(request)

    def _drop(self, request: Request) -> None:
        self._replica(request).abort(request)

    def _neighbours(self, request: Request) -> int:
        return self._replica(request).outstanding

    def _replica(self, request: Request) -> Replica:
        return self.pools[request.pool].replicas[request.replica]

    def recording(self) -> Recording:
        """All that happened so far."""
        return Recording(
            requests=self.requests.columns(),
            pools=tuple(pool.recording() for pool in self.pools),
            end_ns=self.env.now,
            unfinished=self.gateway.submitted - self.gateway.ended,
        )

    def _serving(self, streams: RandomStreams) -> UnifiedServing | DisaggregatedServing:
        done = self.gateway.done
        if all(pool.plan.role == "unified" for pool in self.pools):
            return UnifiedServing(self.pools, self._router("unified", streams), done)
        assert self.plan.link is not None  # the scenario holds this
        links = {
            replica: Link(self.env, self.plan.link)
            for pool in self.pools
            if pool.plan.role == "prefill"
            for replica in pool.replicas
        }
        return DisaggregatedServing(
            self.pools, self._router("prefill", streams), self._router("decode", streams), links, done
        )

    def _router(self, role: Role, streams: RandomStreams) -> Router:
        replicas = [replica for pool in self.pools if pool.plan.role == role for replica in pool.replicas]
        return ROUTERS[self.plan.policy](replicas, streams.generator(f"router.{role}"))
