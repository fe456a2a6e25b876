"""Least outstanding tokens: as least outstanding requests, but long requests weigh more."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from itertools import count

import numpy as np

from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.engine.routing.router import Router


class LeastOutstandingTokens(Router):
    """The replica whose unfinished requests have the fewest tokens, prompt and output.

    An output counts in full from the start, as for a router that knows each request's ``max_tokens``.
    A heap of (tokens, when that became so) gives the least in logarithmic time; entries that are out
    of date stay in it until they come up.
    """

    listens = True

    def __init__(self, replicas: Sequence[Replica], random: np.random.Generator) -> None:
        super().__init__(replicas, random)
        self._ticket = count()
        self._tokens: dict[Replica, int] = {}
        self._valid: dict[Replica, int] = {}
        self._heap: list[tuple[int, int, Replica]] = []
        for replica in self.replicas:
            self._set(replica, 0)

    def choose(self, request: Request) -> Replica:
        """The least of the heap that is up to date."""
        heap = self._heap
        while True:
            _, ticket, replica = heap[0]
            if self._valid.get(replica) == ticket:
                return replica
            heapq.heappop(heap)

    def sent(self, replica: Replica, request: Request) -> None:
        """The replica has all of its tokens to do."""
        if replica in self._tokens:
            self._set(replica, self._tokens[replica] + request.prompt_tokens + request.output_tokens)

    def ended(self, replica: Replica, request: Request) -> None:
        """They are done."""
        if replica in self._tokens:
            self._set(replica, self._tokens[replica] - request.prompt_tokens - request.output_tokens)

    def join(self, replica: Replica) -> None:
        """It begins with what it has."""
        super().join(replica)
        self._set(replica, replica.outstanding_tokens)

    def leave(self, replica: Replica) -> None:
        """It is not counted any more."""
        super().leave(replica)
        del self._tokens[replica], self._valid[replica]

    def _set(self, replica: Replica, tokens: int) -> None:
        self._tokens[replica] = tokens
        self._valid[replica] = ticket = next(self._ticket)
        heapq.heappush(self._heap, (tokens, ticket, replica))
