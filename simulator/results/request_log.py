"""Ended requests as they are written by the engine: one flat row of integers each."""

from __future__ import annotations

from array import array

import numpy as np

from simulator.results.recording import RequestColumns

COLUMNS = RequestColumns.__slots__
WIDTH = len(COLUMNS)


class RequestLog:
    """Collects rows in the order of ``RequestColumns``' fields; 8 bytes a value."""

    def __init__(self) -> None:
        self._values = array("q")
        self.add = self._values.extend  # add((request, status, arrival_ns, ...)): the hot call

    def __len__(self) -> int:
        return len(self._values) // WIDTH

    def columns_from(self, row: int) -> RequestColumns:
        """The rows from one on, as one array per column."""
        table = np.array(self._values[row * WIDTH :], dtype=np.int64).reshape(-1, WIDTH)
        return RequestColumns(*(table[:, i] for i in range(WIDTH)))

    def columns(self) -> RequestColumns:
        """The rows as one array per column."""
        table = np.frombuffer(self._values, dtype=np.int64).reshape(-1, WIDTH)
        return RequestColumns(*(table[:, i].copy() for i in range(WIDTH)))
