"""SLO aware: the cheapest replica that is expected to give the first token in time.

The time to first token is predicted from what is ahead of a request:

    prediction = (prompt tokens queued there + its own) * time per prompt token

with the time per prompt token of a full step of that replica's hardware; what is cached is left out of
the queue. Of the replicas that are in time the one with the lowest price is taken, of equals the busiest:
so others stay free for requests in a hurry. Where none is in time, or a request has no objective, it is
the one with the earliest prediction, of equals the one with the fewest outstanding requests.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.engine.routing.router import Router
from simulator.latency.pricer import Step


class SloAware(Router):
    """Choice by predicted time to first token.

    Parameters
    ----------
    objectives_ns
        Time to first token [ns] that each tenant asks for; None: no objective.
    """

    def __init__(
        self,
        replicas: Sequence[Replica],
        random: np.random.Generator,
        objectives_ns: Sequence[int | None],
    ) -> None:
        super().__init__(replicas, random)
        self._objectives_ns = objectives_ns
        self._token_ns: dict[int, float] = {}

    def choose(self, request: Request) -> Replica:
        """Looks at all candidates."""
        expected = [(self.predicted_ns(replica, request), replica) for replica in self.replicas]
        limit = self._objectives_ns[request.tenant]
        in_time = [] if limit is None else [(ns, replica) for ns, replica in expected if ns <= limit]
        if not in_time:
            return min(expected, key=lambda pair: (pair[0], pair[1].outstanding))[1]
        return min(in_time, key=lambda pair: (pair[1].price_rank, -pair[0]))[1]

    def predicted_ns(self, replica: Replica, request: Request) -> float:
        """Expected time to first token [ns]."""
        tokens = replica.queued_tokens_now() + request.prompt_tokens - replica.cached_tokens_now(request)
        return tokens * self._prompt_token_ns(replica)

    def _prompt_token_ns(self, replica: Replica) -> float:
        found = self._token_ns.get(replica.pool)
        if found is None:
            tokens = replica.settings.token_budget
            step_ns = replica.pricer.step_ns(*Step.of_prompts(1, tokens))
            found = self._token_ns[replica.pool] = step_ns / tokens
        return found
