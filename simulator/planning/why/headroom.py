"""How far every resource of a pool is from its limit."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from simulator.results.result import Result
from simulator.simulation.pools import PreparedPool


@dataclass(frozen=True, slots=True)
class Headroom:
    """What is left of one pool [1 of each limit]; None where nothing was measured.

    Attributes
    ----------
    time
        Replica time without a step.
    kv_cache
        Cache that was free on average, and at the fullest.
    seats
        Seats that were free on average.
    """

    pool: str
    time: float | None
    kv_cache: float | None
    kv_cache_at_peak: float | None
    seats: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def headroom_of(result: Result, index: int, pool: PreparedPool) -> Headroom:
    """Headroom of one pool of a result."""
    use = result.summary.pools[index]
    return Headroom(
        pool=use.name,
        time=_left(use.utilisation),
        kv_cache=_left(use.mean_kv_use),
        kv_cache_at_peak=_left(use.peak_kv_use),
        seats=None if use.mean_batch is None else _left(use.mean_batch / pool.plan.settings.max_num_seqs),
    )


def _left(used: float | None) -> float | None:
    return None if used is None else max(1.0 - used, 0.0)
