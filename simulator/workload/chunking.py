"""Traffic in pieces: slicing, joining, cutting off.

Sources produce blocks of whatever size suits them. Here they become chunks of one size,
up to a number of requests or an end of time, so that the chunk size never shows in the
traffic itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from simulator.workload.traffic import Traffic

#: Requests per chunk.
CHUNK = 16_384


def _each_column(change: Callable[[Sequence[Any]], Any], traffic: Iterable[Traffic]) -> Traffic:
    """Traffic whose columns are ``change`` of the given ones' columns; None stays None."""
    parts = list(traffic)
    columns: dict[str, Any] = {}
    for field in fields(Traffic):
        values = [getattr(part, field.name) for part in parts]
        columns[field.name] = None if values[0] is None else change(values)
    return Traffic(**columns)


def cut(traffic: Traffic, start: int, stop: int) -> Traffic:
    """Requests ``start`` to ``stop`` of a chunk."""
    return _each_column(lambda columns: columns[0][start:stop], [traffic])


def reordered(traffic: Traffic, order: np.ndarray[Any, np.dtype[np.intp]]) -> Traffic:
    """The requests at the given positions."""

    def pick(columns: Sequence[Any]) -> Any:
        column = columns[0]
        return [column[i] for i in order.tolist()] if isinstance(column, list) else column[order]

    return _each_column(pick, [traffic])


def joined(parts: Sequence[Traffic]) -> Traffic:
    """Several chunks as one."""
    if len(parts) == 1:
        return parts[0]

    def join(columns: Sequence[Any]) -> Any:
        if isinstance(columns[0], list):
            return [item for column in columns for item in column]
        return np.concatenate(columns)

    return _each_column(join, parts)


def rechunked(blocks: Iterable[Traffic], size: int) -> Iterator[Traffic]:
    """The same requests in chunks of ``size`` (the last one may be shorter)."""
    held: list[Traffic] = []
    count = 0
    for block in blocks:
        start = 0
        while count + len(block) - start >= size:
            stop = start + size - count
            yield joined([*held, cut(block, start, stop)])
            held, count, start = [], 0, stop
        if start < len(block):
            held.append(cut(block, start, len(block)))
            count += len(block) - start
    if held:
        yield joined(held)


def ended(blocks: Iterable[Traffic], requests: int | None, end_ns: int | None) -> Iterator[Traffic]:
    """Requests until that many came or until they arrive at or after ``end_ns`` [ns]."""
    left = requests
    for block in blocks:
        keep = len(block) if left is None else min(left, len(block))
        if end_ns is not None:
            keep = min(keep, int(np.searchsorted(block.arrival_ns, end_ns, side="left")))
        if keep:
            yield block if keep == len(block) else cut(block, 0, keep)
        if left is not None:
            left -= keep
        if keep < len(block) or left == 0:
            return
