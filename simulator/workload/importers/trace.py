"""What a trace file yields, whatever its layout."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulator.workload.chunking import reordered
from simulator.workload.traffic import Traffic


@dataclass(frozen=True, slots=True)
class Trace:
    """All requests of a trace in order of arrival.

    ``left_out`` rows of the file were no requests that a server could answer (failed, or empty).
    ``ignore_eos`` and ``concurrency`` (of a closed loop) are None where the file does not say.
    """

    traffic: Traffic
    ignore_eos: bool | None = None
    concurrency: int | None = None
    left_out: int = 0


def in_order(traffic: Traffic) -> Traffic:
    """The requests sorted by arrival; those at the same time keep the order of the file."""
    times = traffic.arrival_ns
    if np.all(times[1:] >= times[:-1]):
        return traffic
    return reordered(traffic, np.argsort(times, kind="stable"))


def from_first(traffic: Traffic) -> Traffic:
    """The requests in order, with time counted from the first arrival."""
    ordered = in_order(traffic)
    return replace(ordered, arrival_ns=ordered.arrival_ns - ordered.arrival_ns[0])


def tokens(lengths: NDArray[np.int64]) -> NDArray[np.int32]:
    """Lengths of at least one token: a server always reads and generates one."""
    return np.maximum(lengths, 1).astype(np.int32)
