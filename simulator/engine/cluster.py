"""A whole serving system in simulated time: gateway, routers, pools of replicas, links.

It takes requests one by one (`Cluster.submit`); who makes them (`engine.sources`, programs of
users) is not its business. A request's ``on_end`` is called when its client has the last token.
Replicas come and go while it runs: `add`, `drain`, `kill`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from numpy.random import Generator

from simulator.engine.adaptation import Adaptation, AdaptationPlan
from simulator.engine.admission import Admission, Limits
from simulator.engine.chunks import Chunks
from simulator.engine.clients import Clients
from simulator.engine.disaggregated import Disaggregation
from simulator.engine.gateway import NO_DELAYS, Gateway, ServingDelays
from simulator.engine.losses import Losses
from simulator.engine.operations import Operations, OperationsPlan
from simulator.engine.pool import Pool, PoolPlan
from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.engine.routing import Router, build_router
from simulator.engine.service import PoolsRouter, Service
from simulator.engine.tenant import TenantPlan
from simulator.engine.timing import Background, NsEnvironment
from simulator.engine.transfers import TransferPlan, Transfers, wiring_of
from simulator.results.recording import FleetRecording, PoolRecording, Recording, TransferRecording
from simulator.results.request_log import RequestLog
from simulator.results.wait_log import WaitLog
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

NO_LIMITS = Limits()
ONE_TENANT = (TenantPlan(),)
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
    tenants
        Kinds of requests; `Request.tenant` is an index here.
    limits
        Of admission, for all requests together; None: none.
    refuses
        Whether a request that no replica could hold ends as refused; else it is an error.
    jumping
        Whether uneventful steps are taken in one go (same results, faster).
    keep_steps
        Whether every step is recorded.
    counted_from_ns
        End of the warm-up: transfers, preemptions, prefix hits, drafts, loads from tiers, failures and
        inter-token latencies count from then on [ns].
    adaptation
        When replicas change between the prefill and the decode pool; None: never.
    operations
        What happens to machines: they are started, stopped, and fail; None: nothing.
    """

    pools: tuple[PoolPlan, ...]
    router: AnyRouterSpec = IN_TURN
    decode_router: AnyRouterSpec | None = None
    transfer: TransferPlan | None = None
    delays: ServingDelays = NO_DELAYS
    tenants: tuple[TenantPlan, ...] = ONE_TENANT
    limits: Limits | None = None
    refuses: bool = False
    jumping: bool = True
    keep_steps: bool = False
    operations: OperationsPlan | None = None
    adaptation: AdaptationPlan | None = None
    counted_from_ns: int = 0


def pools_of(pools: Sequence[PoolPlan], tenant: TenantPlan) -> list[PoolPlan]:
    """The pools that may serve a tenant: those of its model, as far as it may use them."""
    return [
        pool
        for pool in pools
        if pool.model == tenant.model
        and (tenant.pools is None or pool.role == "decode" or pool.name in tenant.pools)
    ]


def _overlaps(plan: ClusterPlan) -> bool:
    return plan.transfer is not None and plan.transfer.overlaps


class Cluster:
    """The cluster of a plan, empty at first."""

    def __init__(self, env: NsEnvironment, plan: ClusterPlan, streams: RandomStreams) -> None:
        self.env = env
        self.plan = plan
        self.requests = RequestLog()
        self.waits = WaitLog()
        self.pools = [
            Pool(
                env,
                pool,
                number,
                streams.generator(f"pool.{number}"),
                jumping=plan.jumping,
                keep_steps=plan.keep_steps,
                chunks=Chunks() if pool.role == "prefill" and _overlaps(plan) else None,
                counted_from_ns=plan.counted_from_ns,
            )
            for number, pool in enumerate(plan.pools)
        ]
        mine = [pools_of(plan.pools, tenant) for tenant in plan.tenants]
        self.gateway = Gateway(env, mine, self.requests, plan.delays, plan.refuses)
        self.gateway.neighbours = self._neighbours
        self.gateway.clients = [self._clients(tenant, streams) for tenant in plan.tenants]
        self.transfers = self._built_transfers(streams)
        self._losses = Losses(self.pools)
        self._services = {
            model: self._built_service(model, streams)
            for model in dict.fromkeys(pool.model for pool in plan.pools)
        }
        self._service_of = [self._services[tenant.model] for tenant in plan.tenants]
        self._route = self._service_of[0].submit if len(self._services) == 1 else self._by_model
        self._admission = self._built_admission()
        self.gateway.serve = self._route if self._admission is None else self._admission.submit
        self.gateway.left = None if self._admission is None else self._admission.left
        self._operations = None if plan.operations is None else Operations(self, plan.operations, streams)
        self._adaptation = None if plan.adaptation is None else Adaptation(self, plan.adaptation)
        if plan.counted_from_ns:
            Background(env, plan.counted_from_ns, self._begin_to_count)

    def submit(self, request: Request) -> None:
        """A client sends a request now.

        Raises
        ------
        InputError
            Where no replica could hold it.
        """
        self.gateway.submit(request)

    def sole_receiver(self) -> Replica | None:
        """The replica that gets every request when it is sent; None where there is no such."""
        plan = self.plan
        comes_between = (plan.operations, plan.adaptation, self._admission)
        if any(one is not None for one in comes_between) or plan.delays != NO_DELAYS:
            return None
        if len(plan.pools) > 1 or len(plan.tenants) > 1:
            return None
        replicas = self.pools[0].replicas
        return replicas[0] if len(replicas) == 1 else None

    def abort(self, request: Request) -> None:
        """Its client wants no more of a request that has not ended; it ends with the reason ``abort``."""
        assert request.place is not None
        request.place.abort(request)

    # -- replicas come and go --------------------------------------------------------------------

    def add(self, pool: Pool, former: Replica | None = None) -> Replica:
        """One replica more in a pool, on the machine of a former one if given; it takes requests at once."""
        replica = pool.add()
        if self.transfers is not None:
            self.transfers.wiring.settle(replica, former)
        self._services[pool.plan.model].join(replica)
        return replica

    def drain(self, replica: Replica, then: Callable[[Replica], None] = lambda replica: None) -> None:
        """A replica gets no more requests; ``then`` is called once those that it has have ended."""
        self._service(replica).leave(replica)
        self.pools[replica.pool].drain(replica, then)

    def kill(self, *replicas: Replica) -> list[Request]:
        """Replicas are gone at once, and with them all KV caches in them and on their way to them.

        Returns the requests that lost what they had, replica by replica in order of admission: each must be
        sent `again`, or ended with ``gateway.end(request, "failed")``.
        """
        for replica in replicas:  # all of them, lest one is sent what another one loses
            if replica in self.pools[replica.pool].serving:
                self._service(replica).leave(replica)
        return [request for replica in replicas for request in self._lost_with(replica)]

    def again(self, request: Request) -> None:
        """Send a request once more that was lost with its replica; its client keeps the tokens it has."""
        self._route(request)

    def change_link_pace(self, replica: Replica, factor: float) -> None:
        """From now on the links out of a prefill replica are so many times slower."""
        self._service(replica).change_link_pace(replica, factor)

    # -- waiting for replicas ----------------------------------------------------------------------

    def in_line(self, pool: Pool) -> int:
        """Requests in front of a pool and its like that wait for a replica to come into service."""
        return self._services[pool.plan.model].in_line(pool)

    def may_go_on(self) -> bool:
        """Whether what waits now may yet be served, although nothing is under way."""
        if self.gateway.submitted == self.gateway.ended or self._operations is None:
            return False
        return self._operations.may_go_on()

    def give_up(self) -> int:
        """End as failed whatever waits for a replica that will never come; returns how many."""
        if self._operations is None:
            return 0
        return sum(service.give_up_lines(self.gateway.end) for service in self._services.values())

    # -- results -----------------------------------------------------------------------------------

    def recording(self) -> Recording:
        """All that happened so far."""
        if self.env.now < self.plan.counted_from_ns:  # all of it was warm-up
            self._begin_to_count()
        return Recording(
            requests=self.requests.columns(),
            pools=tuple(self._pool_recordings()),
            end_ns=self.env.now,
            unfinished=self.gateway.submitted - self.gateway.ended,
            transfers=self._transfer_recording(),
            waits=self.waits.columns(),
        )

    def _transfer_recording(self) -> TransferRecording | None:
        handing_over = self._handing_over()
        if self.transfers is None or not handing_over:
            return None
        return self.transfers.recording(
            sum(about.waits for about in handing_over), sum(about.waited_ns for about in handing_over)
        )

    def _handing_over(self) -> list[Disaggregation]:
        return [s.disaggregation for s in self._services.values() if s.disaggregation is not None]

    def _begin_to_count(self) -> None:
        for pool in self.pools:
            pool.begin_to_count()
        if self._operations is not None:
            self._operations.begin_to_count()
        if self._adaptation is not None:
            self._adaptation.begin_to_count()
        if self.transfers is not None:
            self.transfers.begin_to_count()
        for about in self._handing_over():
            about.begin_to_count()

    def _service(self, replica: Replica) -> Service:
        return self._services[self.pools[replica.pool].plan.model]

    def _lost_with(self, replica: Replica) -> list[Request]:
        return self._service(replica).lost_with(replica, self.pools[replica.pool].halt(replica))

    def _by_model(self, request: Request) -> None:
        self._service_of[request.tenant].submit(request)

    def _pool_recordings(self) -> Iterator[PoolRecording]:
        for pool in self.pools:
            yield replace(pool.recording(), fleet=self._fleet_recording(pool))

    def _fleet_recording(self, pool: Pool) -> FleetRecording | None:
        if self._operations is not None:
            return self._operations.fleets[pool.number].recording()
        return None if self._adaptation is None else self._adaptation.recording(pool)

    def _neighbours(self, request: Request) -> int:
        return self.pools[request.pool].replicas[request.replica].outstanding

    def _clients(self, tenant: TenantPlan, streams: RandomStreams) -> Clients | None:
        if tenant.client is None:
            return None
        random = streams.generator(f"client.{tenant.name}")
        return Clients(self.env, tenant.client, random, self.gateway.enter, self.waits)

    def _built_admission(self) -> Admission | None:
        plan = self.plan
        if plan.limits is None and all(tenant.limits is None for tenant in plan.tenants):
            return None
        limits = [tenant.limits or NO_LIMITS for tenant in plan.tenants]
        end, overall = self.gateway.end, plan.limits or NO_LIMITS
        return Admission(self.env, overall, limits, self._route, end, self.waits)

    def _built_service(self, model: str, streams: RandomStreams) -> Service:
        gateway = self.gateway
        mine = [pool for pool in self.pools if pool.plan.model == model]
        decode = self._disaggregation(mine, model, streams)
        routers: dict[frozenset[int], PoolsRouter] = {}
        by_tenant: list[PoolsRouter | None] = []
        for tenant in self.plan.tenants:
            if tenant.model != model:
                by_tenant.append(None)
                continue
            allowed = pools_of(self.plan.pools, tenant)
            entry = [pool for pool in mine if pool.plan in allowed and pool.plan.role != "decode"]
            numbers = frozenset(pool.number for pool in entry)
            if numbers not in routers:
                kind = "unified" if decode is None else "prefill"
                parts = ("router", kind, *self._suffix(model), *([str(len(routers))] if routers else ()))
                random = streams.generator(".".join(parts))
                routers[numbers] = PoolsRouter(self._router(self.plan.router, entry, random), numbers)
            by_tenant.append(routers[numbers])
        done, aborted = gateway.done, gateway.aborted
        told = (self._losses, self.waits)
        return Service(self.env, self.pools, mine, by_tenant, decode, done, aborted, *told)

    def _disaggregation(self, mine: list[Pool], model: str, streams: RandomStreams) -> Disaggregation | None:
        decode = [pool for pool in mine if pool.plan.role == "decode"]
        if not decode:
            return None
        assert self.transfers is not None
        random = streams.generator(".".join(("router", "decode", *self._suffix(model))))
        router = self._router(self._decode_policy(), decode, random)
        gateway = self.gateway
        told = (self._losses, self.waits)
        return Disaggregation(
            self.env, self.pools, mine, router, self.transfers, gateway.done, gateway.end, *told
        )

    def _built_transfers(self, streams: RandomStreams) -> Transfers | None:
        plan = self.plan.transfer
        if plan is None:
            return None
        operations, pools = self.plan.operations, self.plan.pools
        machines = [pool.replicas for pool in pools]
        if operations is not None:
            machines = [fleet.slots for fleet in operations.fleets]
        wiring = wiring_of(self.env, plan, [pool.attachment for pool in pools], machines)
        for pool in self.pools:
            for replica in pool.serving:
                wiring.settle(replica)
        return Transfers(self.env, plan, wiring, streams.generator("transfers"))

    def _router(self, spec: AnyRouterSpec, pools: list[Pool], random: Generator) -> Router:
        replicas = [replica for pool in pools for replica in pool.serving]
        return build_router(spec, replicas, random, [tenant.first_token_ns for tenant in self.plan.tenants])

    def _suffix(self, model: str) -> tuple[str, ...]:
        """What tells the random streams of one service from those of others, where there are any."""
        return (model,) if len({pool.model for pool in self.plan.pools}) > 1 else ()

    def _decode_policy(self) -> AnyRouterSpec:
        if self.plan.decode_router is not None:
            return self.plan.decode_router
        by_prompt = isinstance(self.plan.router, BY_PROMPT_OR_PRICE)
        return LEAST_OUTSTANDING if by_prompt else self.plan.router
