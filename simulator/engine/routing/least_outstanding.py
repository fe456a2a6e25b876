"""Least outstanding requests, also known as join the shortest queue.

Among replicas with equally many the one that has waited longest for a request is taken, so
that an idle cluster is used evenly. A choice takes constant time whatever the number of
replicas (`python -m benchmarks`, figures ``cluster.*``): replicas stand in buckets by their
number of requests, and a number changes by one at a time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.engine.routing.router import Router


class LeastOutstanding(Router):
    """The replica with the fewest requests that were sent to it and have not ended."""

    def __init__(self, replicas: Sequence[Replica], random: np.random.Generator) -> None:
        super().__init__(replicas, random)
        self._outstanding = dict.fromkeys(self.replicas, 0)
        # Bucket n holds the replicas with n requests, in the order in which they got there. (A plain
        # dict would search for its first entry past all those that have left.)
        self._buckets: list[OrderedDict[Replica, None]] = [OrderedDict.fromkeys(self.replicas)]
        self._least = 0

    def choose(self, request: Request) -> Replica:
        """The first of the lowest bucket; it moves up by one."""
        least = self._least
        buckets = self._buckets
        bucket = buckets[least]
        replica, _ = bucket.popitem(last=False)
        self._outstanding[replica] = least + 1
        if least + 1 == len(buckets):
            buckets.append(OrderedDict())
        buckets[least + 1][replica] = None
        if not bucket:
            self._least = least + 1
        return replica

    def ended(self, replica: Replica) -> None:
        """The replica moves down by one."""
        count = self._outstanding[replica]
        del self._buckets[count][replica]
        count -= 1
        self._outstanding[replica] = count
        self._buckets[count][replica] = None
        if count < self._least:
            self._least = count
