"""What every router is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from simulator.engine.replica import Replica
from simulator.engine.request import Request


class Router(ABC):
    """Chooses a replica for each request.

    Parameters
    ----------
    replicas
        The candidates, at least one.
    random
        For policies that draw.
    """

    def __init__(self, replicas: Sequence[Replica], random: np.random.Generator) -> None:
        self.replicas = list(replicas)

    @abstractmethod
    def choose(self, request: Request) -> Replica:
        """The replica that this request goes to now."""

    def ended(self, replica: Replica) -> None:  # noqa: B027  (policies that do not count need not listen)
        """A request that was sent to ``replica`` has ended there."""
