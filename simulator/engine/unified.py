"""Unified serving: one replica does all of a request."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from simulator.engine.pool import Pool
from simulator.engine.request import Request
from simulator.engine.routing.router import Router


class UnifiedServing:
    """Sends each request to a replica of the unified pools.

    Parameters
    ----------
    pools
        All pools of the cluster, so that a request's pool number finds its pool.
    router
        Chooses among the replicas of the unified ones.
    done
        Called with every request that has ended.
    """

    def __init__(self, pools: Sequence[Pool], router: Router, done: Callable[[Request], None]) -> None:
        self._pools = pools
        self._router = router
        self._done = done
        for pool in pools:
            pool.ended = self._ended

    def submit(self, request: Request) -> None:
        """Send a request on its way."""
        replica = self._router.choose(request)
        self._pools[replica.pool].send(request, replica)

    def _ended(self, request: Request) -> None:
        self._router.ended(self._pools[request.pool].replicas[request.replica])
        self._done(request)
