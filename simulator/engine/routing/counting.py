"""What policies that compare loads have in common: a count of each replica's requests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.engine.routing.router import Router


class CountingRouter(Router):
    """Knows how many requests were sent to each candidate and have not ended.

    Attributes
    ----------
    load
        That number by replica; a request counts from the moment of the choice (a decode replica has
        it only when its KV cache has arrived).
    """

    listens = True

    def __init__(self, replicas: Sequence[Replica], random: np.random.Generator) -> None:
        super().__init__(replicas, random)
        self.load: dict[Replica, int] = dict.fromkeys(self.replicas, 0)

    def sent(self, replica: Replica, request: Request) -> None:
        """One more."""
        if replica in self.load:
            self.load[replica] += 1

    def ended(self, replica: Replica, request: Request) -> None:
        """One fewer."""
        if replica in self.load:
            self.load[replica] -= 1

    def join(self, replica: Replica) -> None:
        """It begins with what it has."""
        super().join(replica)
        self.load[replica] = replica.outstanding

    def leave(self, replica: Replica) -> None:
        """It is not counted any more."""
        super().leave(replica)
        del self.load[replica]
