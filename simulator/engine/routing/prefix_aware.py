"""Prefix-cache aware routing: cached prefixes against load.

The cost of a replica is what it would have to compute of the prompt, plus what it has to do already:

    cost = overlap_weight * (prompt tokens - cached tokens) + work

and the least cost wins, after the cost function of NVIDIA Dynamo's KV router (there in blocks:
overlap_score_weight * prefill blocks + decode blocks). The work of a replica is that of its unfinished
requests: the part of each prompt that was not cached when it was sent there, and the whole output. A higher
weight keeps prefixes together, a lower one spreads the load.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.engine.routing.prefix_view import PrefixView
from simulator.engine.routing.router import Router


class PrefixAware(Router):
    """The replica with the least cost by what ``view`` knows; the first of equals in turn."""

    listens = True

    def __init__(
        self,
        replicas: Sequence[Replica],
        random: np.random.Generator,
        view: PrefixView,
        overlap_weight: float = 1.0,
    ) -> None:
        super().__init__(replicas, random)
        self._view = view
        self._weight = overlap_weight
        self._work: dict[Replica, int] = dict.fromkeys(self.replicas, 0)
        self._work_of: dict[Request, int] = {}
        self._turn = 0

    def choose(self, request: Request) -> Replica:
        """Looks at all candidates, beginning with another one each time."""
        replicas = self.replicas
        self._turn += 1
        first = self._turn % len(replicas)
        return min((*replicas[first:], *replicas[:first]), key=lambda replica: self._cost(replica, request))

    def _cost(self, replica: Replica, request: Request) -> float:
        uncached = request.prompt_tokens - self._view.matched(replica, request)
        return self._weight * uncached + self._work[replica]

    def sent(self, replica: Replica, request: Request) -> None:
        """More to do, and a prompt that will be cached there."""
        if replica in self._work:
            work = request.prompt_tokens - self._view.matched(replica, request) + request.output_tokens
            self._work_of[request] = work
            self._work[replica] += work
            self._view.sent(replica, request)

    def ended(self, replica: Replica, request: Request) -> None:
        """Less to do, and an output that is cached there."""
        work = self._work_of.pop(request, 0)
        if replica in self._work:
            self._work[replica] -= work
            self._view.ended(replica, request)

    def join(self, replica: Replica) -> None:
        """It begins with what it has."""
        super().join(replica)
        self._work[replica] = replica.outstanding_tokens

    def leave(self, replica: Replica) -> None:
        """It is forgotten."""
        super().leave(replica)
        del self._work[replica]
        self._view.leave(replica)
