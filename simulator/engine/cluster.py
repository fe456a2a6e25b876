"""A whole serving system in simulated time: gateway, routers, pools of replicas, links.

It takes requests one by one (`Cluster.submit`); who makes them (`engine.sources`, programs of
users) is not its business. A request's ``on_end`` is called when its client has the last token.
Replicas come and go while it runs: `add`, `drain`, `kill`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from simulator.engine.disaggregated import Disaggregation
from simulator.engine.gateway import NO_DELAYS, Gateway, ServingDelays
from simulator.engine.operations import Operations, OperationsPlan
from simulator.engine.pool import Pool, PoolPlan
from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.engine.routing import Router, build_router
from simulator.engine.service import Service
from simulator.engine.timing import NsEnvironment
from simulator.engine.transfers import TransferPlan, Transfers, wiring_of
from simulator.results.recording import PoolRecording, Recording, TransferRecording
from simulator.results.request_log import RequestLog
from simulator.scenario.routing import (
    AnyRouterSpec,
    CheapestSpec,
    LeastOutstandingSpec,
    PrefixAwareSpec,
    RoundRobinSpec,
    SessionAffinitySpec,
    SloAwareSpec,
)
from simulator.units.random_streams import RandomStreams

IN_TURN = RoundRobinSpec()
LEAST_OUTSTANDING = LeastOutstandingSpec()
#: Policies that look at what a prompt is or costs: of no use for where its output goes.
BY_PROMPT_OR_PRICE = (PrefixAwareSpec, SessionAffinitySpec, SloAwareSpec, CheapestSpec)


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """What a cluster is made of.

    Attributes
    ----------
    pools
        Unified pools, or prefill and decode pools, or all of them.
    router
        How requests are spread over the replicas that take new ones.
    decode_router
        Over decode replicas; None: as ``router``, but the fewest outstanding requests where that goes
        by prompts or prices.
    transfer
        How KV caches get from prefill to decode replicas; needed where there are any.
    delays
        Of the serving program.
    jumping
        Whether uneventful steps are taken in one go (same results, faster).
    keep_steps
        Whether every step is recorded.
    operations
        What happens to machines: they are started, stopped, and fail; None: nothing.
    """

    pools: tuple[PoolPlan, ...]
    router: AnyRouterSpec = IN_TURN
    decode_router: AnyRouterSpec | None = None
    transfer: TransferPlan | None = None
    delays: ServingDelays = NO_DELAYS
    jumping: bool = True
    keep_steps: bool = False
    operations: OperationsPlan | None = None


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
        self.transfers = self._built_transfers(streams)
        self._service = self._built_service(streams)
        self.gateway.serve = self._service.submit
        self.gateway.neighbours = self._neighbours
        self._operations = None if plan.operations is None else Operations(self, plan.operations, streams)

    def submit(self, request: Request) -> None:
        """A client sends a request now.

        Raises
        ------
        InputError
            Where no replica could hold it.
        """
        self.gateway.submit(request)

    def abort(self, request: Request) -> None:
        """Its client wants no more of a request that has not ended; it ends with the reason ``abort``."""
        assert request.place is not None
        request.place.abort(request)

    # -- replicas come and go --------------------------------------------------------------------

    def add(self, pool: Pool) -> Replica:
        """One replica more in a pool; it takes requests from now on."""
        replica = pool.add()
        self._service.join(replica)
        return replica

    def drain(self, replica: Replica, then: Callable[[Replica], None] = lambda replica: None) -> None:
        """A replica gets no more requests; ``then`` is called once those that it has have ended."""
        self._service.leave(replica)
        self.pools[replica.pool].drain(replica, then)

    def kill(self, replica: Replica) -> list[Request]:
        """A replica is gone at once, and with it all KV caches in it and on their way to it.

        Returns the requests that lost what they had, in order of admission: each must be sent
        `again`, or ended with ``gateway.end(request, "failed")``.
        """
        pool = self.pools[replica.pool]
        if replica in pool.serving:
            self._service.leave(replica)
        return self._service.lost_with(replica, pool.halt(replica))

    def again(self, request: Request) -> None:
        """Send a request once more that was lost with its replica; its client keeps the tokens it has."""
        self._service.submit(request)

    def change_link_pace(self, replica: Replica, factor: float) -> None:
        """From the next transfer on, those from a replica last so many times as long."""
        self._service.change_link_pace(replica, factor)

    # -- waiting for replicas ----------------------------------------------------------------------

    def in_line(self, pool: Pool) -> int:
        """Requests in front of a pool and its like that wait for a replica to come into service."""
        return self._service.in_line(pool)

    def may_go_on(self) -> bool:
        """Whether what waits now may yet be served, although nothing is under way."""
        if self.gateway.submitted == self.gateway.ended or self._operations is None:
            return False
        return self._operations.may_go_on()

    def give_up(self) -> int:
        """End as failed whatever waits for a replica that will never come; returns how many."""
        return 0 if self._operations is None else self._service.give_up_lines(self.gateway.end)

    # -- results -----------------------------------------------------------------------------------

    def recording(self) -> Recording:
        """All that happened so far."""
        return Recording(
            requests=self.requests.columns(),
            pools=tuple(self._pool_recordings()),
            end_ns=self.env.now,
            unfinished=self.gateway.submitted - self.gateway.ended,
            transfers=self._transfer_recording(),
        )

    def _transfer_recording(self) -> TransferRecording | None:
        if self.transfers is None or self._service.disaggregation is None:
            return None
        about = self._service.disaggregation
        return self.transfers.recording(about.waits, about.waited_ns)

    def _pool_recordings(self) -> Iterator[PoolRecording]:
        for pool in self.pools:
            fleet = None if self._operations is None else self._operations.fleets[pool.number].recording()
            yield replace(pool.recording(), fleet=fleet)

    def _neighbours(self, request: Request) -> int:
        return self.pools[request.pool].replicas[request.replica].outstanding

    def _built_service(self, streams: RandomStreams) -> Service:
        gateway = self.gateway
        decode = self._disaggregation(streams)
        router = self._router(("unified", "prefill"), "unified" if decode is None else "prefill", streams)
        return Service(self.pools, router, decode, gateway.done, gateway.aborted)

    def _disaggregation(self, streams: RandomStreams) -> Disaggregation | None:
        if not any(pool.plan.role == "decode" for pool in self.pools):
            return None
        assert self.transfers is not None
        router = self._router(("decode",), "decode", streams)
        gateway = self.gateway
        return Disaggregation(
            self.env, self.pools, self.pools, router, self.transfers, gateway.done, gateway.end
        )

    def _built_transfers(self, streams: RandomStreams) -> Transfers | None:
        plan = self.plan.transfer
        if plan is None:
            return None
        wiring = wiring_of(self.env, plan, [pool.plan.attachment for pool in self.pools])
        return Transfers(self.env, plan, wiring, streams.generator("transfers"))

    def _router(self, roles: tuple[str, ...], name: str, streams: RandomStreams) -> Router:
        replicas = [replica for pool in self.pools if pool.plan.role in roles for replica in pool.serving]
        spec = self.plan.router if name != "decode" else self._decode_policy()
        return build_router(spec, replicas, streams.generator(f"router.{name}"))

    def _decode_policy(self) -> AnyRouterSpec:
        if self.plan.decode_router is not None:
            return self.plan.decode_router
        by_prompt = isinstance(self.plan.router, BY_PROMPT_OR_PRICE)
        return LEAST_OUTSTANDING if by_prompt else self.plan.router
