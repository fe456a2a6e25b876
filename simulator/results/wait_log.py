"""Times outside replicas as the engine writes them: one flat row of integers each."""

from __future__ import annotations

from array import array

import numpy as np

from simulator.results.recording import NEVER, WAIT_CAUSES, WaitColumns

GATEWAY, EARLIER_ATTEMPTS, NO_REPLICA, DECODE_ROOM, LINK = range(len(WAIT_CAUSES))
_WIDTH = len(WaitColumns.__slots__)


class WaitLog:
    """Collects rows in the order of ``WaitColumns``' fields."""

    def __init__(self) -> None:
        self._values = array("q")

    def add(
        self, request: int, cause: int, begin_ns: int, end_ns: int, pool: int = NEVER, replica: int = NEVER
    ) -> None:
        """A request was kept by a cause for so long; a replica held its KV cache, or none did."""
        if end_ns > begin_ns or cause == LINK:
            self._values.extend((request, cause, begin_ns, end_ns, pool, replica))

    def columns(self) -> WaitColumns:
        """The rows as one array per column."""
        table = np.frombuffer(self._values, dtype=np.int64).reshape(-1, _WIDTH)
        return WaitColumns(*(table[:, i].copy() for i in range(_WIDTH)))
