"""Prefix-cache aware routing: cached prefixes against load.

The cost of a replica is what it would have to compute of the prompt, plus what it has to do already:

    cost = overlap_weight * (prompt tokens - cached tokens) + outstanding tokens

and the least cost wins, after the cost function of NVIDIA Dynamo's KV router (there in blocks:
overlap_score_weight * prefill blocks + decode blocks). A higher weight keeps prefixes together, a
lower one spreads the load. Outputs count in full from the start.
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
        self._tokens: dict[Replica, int] = dict.fromkeys(self.replicas, 0)
        self._turn = 0

    def choose(self, request: Request) -> Replica:
        """Looks at all candidates, beginning with another one each time."""
        replicas = self.replicas
        self._turn += 1
        first = self._turn % len(replicas)
        return min((*replicas[first:], *replicas[:first]), key=lambda replica: self._cost(replica, request))

    def _cost(self, replica: Replica, request: Request) -> float:
        uncached = request.prompt_tokens - self._view.matched(replica, request)
        return self._weight * uncached + self._tokens[replica]

    def sent(self, replica: Replica, request: Request) -> None:
        """More to do, and a prompt that will be cached there."""
        if replica in self._tokens:
            self._tokens[replica] += request.prompt_tokens + request.output_tokens
            self._view.sent(replica, request)

    def ended(self, replica: Replica, request: Request) -> None:
        """Less to do, and an output that is cached there."""
        if replica in self._tokens:
            self._tokens[replica] -= request.prompt_tokens + request.output_tokens
            self._view.ended(replica, request)

    def join(self, replica: Replica) -> None:
        """It begins with what it has."""
        super().join(replica)
        self._tokens[replica] = replica.outstanding_tokens

    def leave(self, replica: Replica) -> None:
        """It is forgotten."""
        super().leave(replica)
        del self._tokens[replica]
        self._view.leave(replica)
