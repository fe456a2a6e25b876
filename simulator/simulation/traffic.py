"""The traffic of several tenants on one cluster, told apart by request and by content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from simulator.engine.request import Request
from simulator.engine.sources import requests_of
from simulator.workload.replay import ReplaySource
from simulator.workload.traffic import RequestSource


@dataclass(frozen=True, slots=True)
class TenantTraffic:
    """The requests of one tenant.

    Attributes
    ----------
    priority
        Of all its requests, instead of the workload's.
    until_ns
        When a closed loop stops sending [ns].
    """

    source: RequestSource
    name: str = ""
    priority: int | None = None
    until_ns: int | None = None

    def requests(self, number: int, tenants: int, with_content: bool) -> Iterator[Request]:
        """Its requests, with indices that no other of so many tenants has."""
        requests = requests_of(self.source, with_content)
        return requests if tenants == 1 and self.priority is None else self._marked(requests, number, tenants)

    def _marked(self, requests: Iterator[Request], number: int, tenants: int) -> Iterator[Request]:
        for request in requests:
            if tenants > 1:
                request.index = request.index * tenants + number
                request.tenant = number
                if request.content is not None:
                    request.content = tuple(
                        (f"{stream}@{self.name}", offset, length)
                        for stream, offset, length in request.content
                    )
            if self.priority is not None:
                request.priority = self.priority
            yield request

    def urgencies(self) -> set[int]:
        """The priorities that occur among its requests."""
        if self.priority is not None:
            return {self.priority}
        if isinstance(self.source, ReplaySource):
            column = self.source.traffic.priority
            return {0} if column is None else set(np.unique(column).tolist())
        return {getattr(self.source, "priority", None) or 0}


def urgencies_of(traffic: Iterable[TenantTraffic]) -> set[int]:
    """The priorities that occur among all requests."""
    return set().union(*(one.urgencies() for one in traffic))
