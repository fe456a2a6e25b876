"""Ended requests as they are written by the engine: one flat row of integers each."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

from simulator.results.recording import RequestColumns

COLUMNS = RequestColumns.__slots__
WIDTH = len(COLUMNS)
_ROW = struct.Struct(f"={WIDTH}q")
_PACK = _ROW.pack


class RequestLog:
    """Collects rows in the order of ``RequestColumns``' fields; 8 bytes a value."""

    def __init__(self) -> None:
        self._packed = bytearray()

    def __len__(self) -> int:
        return len(self._packed) // _ROW.size

    def add(self, row: Sequence[int]) -> None:
        """Add ``(request, status, arrival_ns, ...)``: the hot call."""
        self._packed += _PACK(*row)

    def columns_from(self, row: int) -> RequestColumns:
        """The rows from one on, as one array per column."""
        table = np.frombuffer(self._packed[row * _ROW.size :], dtype=np.int64).reshape(-1, WIDTH)
        return RequestColumns(*(table[:, i] for i in range(WIDTH)))

    def columns(self) -> RequestColumns:
        """The rows as one array per column."""
        table = np.frombuffer(self._packed, dtype=np.int64).reshape(-1, WIDTH)
        return RequestColumns(*(table[:, i].copy() for i in range(WIDTH)))
