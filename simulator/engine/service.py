"""One model's service: which replica a request goes to first, and where from there.

A unified replica does all of a request; a prefill replica computes its prompt and hands it over to
a decode replica (`engine.disaggregated`). Both kinds may stand behind the same router. While no
replica is in service, requests wait in a line of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulator.engine.disaggregated import Disaggregation
from simulator.engine.losses import Losses
from simulator.engine.pool import Pool
from simulator.engine.replica import Replica
from simulator.engine.request import NEVER, Request
from simulator.engine.routing.router import Router
from simulator.engine.timing import NsEnvironment
from simulator.results.wait_log import NO_REPLICA, WaitLog


class Service:
    """Sends each request to a replica of the pools that take new ones.

    Parameters
    ----------
    pools
        All pools of the cluster, so that a request's pool number finds its pool.
    mine
        Those of this service.
    routers
        For each tenant what chooses among the replicas of its unified and prefill pools; None for
        tenants of other services.
    disaggregation
        Takes over where a prefill replica is chosen; None without such pools.
    done
        Called with every request that has ended.
    aborted
        Called with every request that is dropped while it waits for a replica.
    losses
        Outputs that lost their replica.
    waits
        Is told who waited for a replica, and how long.
    """

    def __init__(
        self,
        env: NsEnvironment,
        pools: Sequence[Pool],
        mine: Sequence[Pool],
        routers: Sequence[PoolsRouter | None],
        disaggregation: Disaggregation | None,
        done: Callable[[Request], None],
        aborted: Callable[[Request], None],
        losses: Losses,
        waits: WaitLog,
    ) -> None:
        self._pools = pools
        self._losses = losses
        self._routers = [None if router is None else router.router for router in routers]
        self._distinct = list(dict.fromkeys(router for router in routers if router is not None))
        self.disaggregation = disaggregation
        self._done = done
        self._line = Line(env, aborted, waits)
        self._begin: list[Callable[[Request, Replica], None]] = [pool.send for pool in pools]
        self._listeners: list[tuple[Router, ...]] = [
            tuple(own.router for own in self._distinct if own.router.listens and number in own.pools)
            for number in range(len(pools))
        ]
        for pool in mine:
            if pool.plan.role == "unified":
                pool.ended = self._ended
            elif pool.plan.role == "prefill":
                assert disaggregation is not None
                self._begin[pool.number] = disaggregation.begin
        if disaggregation is not None:
            disaggregation.left_prefill = self._left

    def submit(self, request: Request) -> None:
        """Send a request on its way."""
        router = self._routers[request.tenant]
        assert router is not None
        if not router.replicas:
            self._line.wait(request)
            return
        replica = router.choose(request)
        for listener in self._listeners[replica.pool]:
            listener.sent(replica, request)
        if request.outputs and self._pools[replica.pool].plan.role == "unified":
            self._losses.go_on(request)
        self._begin[replica.pool](request, replica)

    def join(self, replica: Replica) -> None:
        """A replica has come into service."""
        if self._pools[replica.pool].plan.role == "decode":
            assert self.disaggregation is not None
            self.disaggregation.join(replica)
            return
        for own in self._distinct:
            if replica.pool in own.pools:
                own.router.join(replica)
        for request in self._line.take():
            self.submit(request)

    def leave(self, replica: Replica) -> None:
        """A replica takes no more requests."""
        if self._pools[replica.pool].plan.role == "decode":
            assert self.disaggregation is not None
            self.disaggregation.leave(replica)
            return
        for own in self._distinct:
            if replica.pool in own.pools:
                own.router.leave(replica)

    def in_line(self, pool: Pool) -> int:
        """Requests that wait for a replica of a pool, or of its like."""
        if pool.plan.role == "decode":
            assert self.disaggregation is not None
            return self.disaggregation.in_line()
        return len(self._line)

    def give_up_lines(self, end: Callable[[Request, str], None]) -> int:
        """What waits for a replica has failed; returns how many."""
        waiting = self._line.take()
        for request in waiting:
            end(request, "failed")
        behind = 0 if self.disaggregation is None else self.disaggregation.give_up_line()
        return len(waiting) + behind

    def change_link_pace(self, replica: Replica, factor: float) -> None:
        """Transfers out of a prefill replica last so many times as long."""
        if self.disaggregation is not None and self._pools[replica.pool].plan.role == "prefill":
            self.disaggregation.change_link_pace(replica, factor)

    def lost_with(self, replica: Replica, requests: list[Request]) -> list[Request]:
        """A replica is gone with these requests: whole requests that must begin again."""
        role = self._pools[replica.pool].plan.role
        if role == "unified":
            for request in requests:
                self._losses.leave(request, replica.env.now)
                self._losses.lost(request, replica.env.now)
        if self.disaggregation is None:
            return requests
        if role == "prefill":
            return self.disaggregation.lost_with(replica, requests)
        return [*requests, *self.disaggregation.lost_with(replica, ())]

    def _ended(self, request: Request) -> None:
        if request.begun_ns != NEVER:
            self._losses.leave(request, self._pools[request.pool].env.now)
        if self._listeners[request.pool]:
            self._left(self._pools[request.pool].replicas[request.replica], request)
        self._done(request)

    def _left(self, replica: Replica, request: Request) -> None:
        for listener in self._listeners[replica.pool]:
            listener.ended(replica, request)


@dataclass(frozen=True, slots=True)
class PoolsRouter:
    """A router and the numbers of the pools that it chooses from."""

    router: Router
    pools: frozenset[int]


class Line:
    """Requests that wait for a replica to come into service, first come first served."""

    def __init__(self, env: NsEnvironment, aborted: Callable[[Request], None], waits: WaitLog) -> None:
        self.env = env
        self._requests: dict[Request, int] = {}  # in order, and since when
        self._aborted = aborted
        self._waits = waits

    def __len__(self) -> int:
        return len(self._requests)

    def wait(self, request: Request) -> None:
        """Line up."""
        request.place = self
        self._requests[request] = self.env.now

    def take(self) -> list[Request]:
        """Everybody, in order; the line is empty then."""
        everybody = list(self._requests)
        for request in everybody:
            self._leave(request)
        return everybody

    def abort(self, request: Request) -> None:
        """The client has given up."""
        self._leave(request)
        self._aborted(request)

    def _leave(self, request: Request) -> None:
        self._waits.add(request.index, NO_REPLICA, self._requests.pop(request), self.env.now)
