"""What every router is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from simulator.engine.replica import Replica
from simulator.engine.request import Request


class Router(ABC):
    """Chooses a replica for each request, among those that are in service now.

    A replica can be among the candidates of several routers (of two tenants, say): each hears of
    every request that anybody sends there.

    Parameters
    ----------
    replicas
        The first candidates; others join and leave later.
    random
        For policies that draw.

    Attributes
    ----------
    listens
        Whether the policy counts: only then it is told what was sent and what ended.
    """

    listens = False

    def __init__(self, replicas: Sequence[Replica], random: np.random.Generator) -> None:
        self.replicas = list(replicas)
        self.random = random

    @abstractmethod
    def choose(self, request: Request) -> Replica:
        """The replica that this request goes to now; there is at least one candidate."""

    def sent(self, replica: Replica, request: Request) -> None:  # noqa: B027  (see `listens`)
        """A request has been sent to a candidate, by this router or another."""

    def ended(self, replica: Replica, request: Request) -> None:  # noqa: B027
        """A request that was sent to ``replica`` has ended there, or was handed back."""

    def join(self, replica: Replica) -> None:
        """A replica has come into service."""
        self.replicas.append(replica)

    def leave(self, replica: Replica) -> None:
        """A replica gets no more requests; what it has may still end there."""
        self.replicas.remove(replica)
