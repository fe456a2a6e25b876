"""SLO aware: the cheapest replica that is expected to give the first token in time.

The time to first token is predicted from what is ahead of a request:

    prediction = the step that executes + (prompt tokens queued there + its own), in steps beside its decodes

The decodes of a replica take their part of the token budget of each step and of its time; what is cached is
left out of the queue. Where the KV cache or the seats are full it would wait for outputs to end, and nobody
knows how long: such a replica is not in time. Of the replicas that are in time the one with the lowest price
is taken, of equals the earliest: filling them up to the objective one by one would leave no room for what a
prediction can not know, and none for the time per output token. Where none is in time, or a request has no
objective, it is the one with the earliest prediction. Of equals it is always the one with the fewest
outstanding requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

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

    def choose(self, request: Request) -> Replica:
        """Looks at all candidates."""
        expected = [(self.predicted_ns(replica, request), replica) for replica in self.replicas]
        limit = self._objectives_ns[request.tenant]
        in_time = [] if limit is None else [(ns, replica) for ns, replica in expected if ns <= limit]
        if not in_time:
            return min(expected, key=lambda pair: (pair[0], pair[1].outstanding))[1]
        return min(in_time, key=lambda pair: (pair[1].price_rank, pair[0], pair[1].outstanding))[1]

    def predicted_ns(self, replica: Replica, request: Request) -> float:
        """Expected time to first token [ns]; infinite where it has to wait for outputs to end."""
        settings = replica.settings
        queued = replica.queued_tokens_now()
        tokens = queued + request.prompt_tokens - replica.cached_tokens_now(request)
        free = replica.free_blocks_now()
        if tokens > free * settings.block_size or replica.outstanding >= settings.seats:
            return inf
        decodes = replica.outstanding - replica.waiting_now()
        context = max((settings.usable_blocks - free) * settings.block_size, decodes)
        room = max(settings.token_budget - decodes, 1)

        def step_ns(prompt: int) -> int:
            return replica.pricer.step_ns(prompt, 1, prompt, prompt * prompt, decodes, decodes, context)

        whole, rest = divmod(tokens, room)
        expected = whole * step_ns(room) + (step_ns(rest) if rest else 0)
        if queued:
            expected += step_ns(min(queued, room))
        elif decodes:
            expected += replica.pricer.step_ns(*Step.of_decodes(decodes, context))
        return expected
