"""By cost: the cheapest hardware that has room, dearer hardware for what it cannot take."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.engine.routing.ladder import Ladder
from simulator.engine.routing.router import Router


class Cheapest(Router):
    """The least loaded replica of the cheapest pool with one below ``spill_at`` requests.

    Cheap is what costs little per hour (`Replica.usd_per_hour`); pools without a price come last.
    Where all are full, the least loaded of all replicas.
    """

    listens = True

    def __init__(self, replicas: Sequence[Replica], random: np.random.Generator, spill_at: int) -> None:
        super().__init__(replicas, random)
        self._spill_at = spill_at
        self._all = Ladder(self.replicas)
        self._tiers: dict[float, Ladder] = {}
        for replica in self.replicas:
            self._tier(replica).add(replica)

    def choose(self, request: Request) -> Replica:
        """The first tier with room."""
        for _, tier in sorted(self._tiers.items()):
            if len(tier) and tier.least < self._spill_at:
                return tier.first()
        return self._all.first()

    def sent(self, replica: Replica, request: Request) -> None:
        """One more."""
        self._all.up(replica)
        self._tier(replica).up(replica)

    def ended(self, replica: Replica, request: Request) -> None:
        """One fewer."""
        self._all.down(replica)
        self._tier(replica).down(replica)

    def join(self, replica: Replica) -> None:
        """It begins with what it has."""
        super().join(replica)
        self._all.add(replica)
        self._tier(replica).add(replica)

    def leave(self, replica: Replica) -> None:
        """It is not counted any more."""
        super().leave(replica)
        self._all.remove(replica)
        self._tier(replica).remove(replica)

    def _tier(self, replica: Replica) -> Ladder:
        return self._tiers.setdefault(replica.price_rank, Ladder(()))
