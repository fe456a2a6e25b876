"""Along the steps of a replica: what bound them, and why requests waited, as curves over time.

While requests wait there is a reason why the next was not admitted: the cache has no room for it, all seats
are taken, or the step's tokens went to those before it. Where the cache has no room, it has none either until
the next step begins (a prefill replica's blocks are lent until their transfer is done). A request's share of
each is the rise of a curve over its time.
"""

from __future__ import annotations

import numpy as np

from simulator.latency.pricer import BOUNDS, StepColumns
from simulator.results.recording import Floats, Ints, Recording, StepTable
from simulator.simulation.pools import PreparedPool

#: Why requests wait: no room in the cache, no seat, or tokens of the step that went to others.
WAITS = ("kv capacity", "seats", "step tokens")
KV_CAPACITY, SEATS, STEP_TOKENS = range(len(WAITS))


class Curve:
    """Time along one replica's steps: by bound, and by why requests wait [ns]."""

    def __init__(self, start: Ints, duration: Ints, bound: Ints, wait: Ints) -> None:
        self._start, self._end = start, start + duration
        self._edges = np.stack([start, start + duration], axis=1).ravel()
        self._bounds = np.cumsum(_rises(bound, duration, len(BOUNDS)), axis=1)
        waits = _rises(wait, duration, len(WAITS))
        idle = np.maximum(start[1:] - self._end[:-1], 0)
        waits[KV_CAPACITY, 2::2] = np.where(wait[:-1] == KV_CAPACITY, idle, 0)
        self._waits = np.cumsum(waits, axis=1)

    def bounds(self, begin: Ints, end: Ints) -> Floats:
        """Time of each bound between two times [ns], shape (n, bounds)."""
        return self._rise(self._bounds, begin, end)

    def waits(self, begin: Ints, end: Ints) -> Floats:
        """Time of each reason to wait between two times [ns], shape (n, waits)."""
        return self._rise(self._waits, begin, end)

    def start_of_last(self, end: Ints, steps: Ints) -> Ints:
        """When the first of the last so many steps up to a time began [ns]."""
        last = np.searchsorted(self._end, end, side="right") - 1
        found: Ints = self._start[np.maximum(last - steps + 1, 0)]
        return found

    def _rise(self, curves: Floats, begin: Ints, end: Ints) -> Floats:
        rises = [
            np.interp(end, self._edges, curve) - np.interp(begin, self._edges, curve) for curve in curves
        ]
        return np.stack(rises, axis=1)


def _rises(kind: Ints, duration: Ints, kinds: int) -> Floats:
    """What curves of each kind rise by at the edges of all steps, shape (kinds, 2 * steps)."""
    rise = np.zeros((kinds, len(kind), 2))
    rise[kind, np.arange(len(kind)), 1] = duration
    return rise.reshape(kinds, -1)


def curves_of(recording: Recording, index: int, pool: PreparedPool) -> dict[int, Curve]:
    """The curves of a pool's replicas that took a step, by number."""
    recorded = recording.pools[index]
    table = recorded.step_table
    assert table is not None
    bound = pool.backend.pricer.costs(_columns(table)).bound.astype(np.int64)
    sequences = table.prefill_sequences + table.decode_sequences
    # No room for one more: a mean prompt would not find its blocks.
    needed = float(recording.requests.prompt_tokens.mean()) / recorded.block_size + 1
    full = table.kv_blocks + needed > recorded.kv_blocks_per_replica
    seated = np.where(sequences >= pool.plan.settings.max_num_seqs, SEATS, STEP_TOKENS)
    wait = np.where(full, KV_CAPACITY, seated)
    found = {}
    for replica in np.unique(table.replica).tolist():
        mine = table.replica == replica
        found[replica] = Curve(table.start_ns[mine], table.duration_ns[mine], bound[mine], wait[mine])
    return found


def _columns(table: StepTable) -> StepColumns:
    return StepColumns(**{name: getattr(table, name) for name in StepColumns.__slots__})
