"""Steps as the engine writes them, reduced in chunks to windowed sums and a histogram.

The engine writes one row per run of equal steps (same batch, contexts growing by one token a
step) and the end time of every step. Every so often the chunk is expanded to one element per
step, priced for energy in vectors, added to the windows, and forgotten; so memory does not
grow with the number of steps unless a scenario asks for all of them.
"""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulator.latency.pricer import BOUNDS, StepColumns, StepPricer
from simulator.results.recording import LatencyHistogram, StepTable, StepWindows

#: replica, start_ns, steps, prefill tokens/sequences/context/products, decode sequences/tokens/first
#: context, requests waiting
ROW = 11
PACK = struct.Struct(f"={ROW}q").pack
#: Steps per reduction: small enough for its arrays to stay in the cache.
CHUNK_STEPS = 1 << 13
#: Sums weighted by time count in units of this many nanoseconds, so that they stay below 2**53.
WEIGHT_NS = 1 << 10
FIRST_WIDTH_NS = 100_000_000
MOST_WINDOWS = 1024
#: Inter-token latencies from 1 microsecond on in bins of 0.2 %.
LOWEST_NS = 1_000.0
RATIO = 1.002
BINS = 11_600  # up to about 10,000 s

Ints = NDArray[np.int64]


class StepLog:
    """Steps of all replicas of one pool.

    ``pricer`` gives energy and bottleneck of recorded steps; ``keep_steps`` keeps every step.
    """

    def __init__(self, pricer: StepPricer, keep_steps: bool = False) -> None:
        self._pricer = pricer
        self._rows = bytearray()
        self._ends = array("q")
        self._kv_blocks = array("q")
        self._kept: list[tuple[Ints, ...]] | None = [] if keep_steps else None
        self.steps = 0
        self._width_ns = FIRST_WIDTH_NS
        self._sums = np.zeros((len(_SUMS) + len(BOUNDS), 0))
        self._histogram = np.zeros(BINS, dtype=np.int64)
        self._itl_sum_ns = 0
        self._itl_count = 0

    def add_runs(self, rows: Sequence[tuple[int, ...]], ends: list[int], kv_blocks: list[int]) -> None:
        """Runs of equal steps, a row each, and of every step the end time and the KV blocks in use.

        The hot call: once per wake of a replica.
        """
        # At once, so that the numbers' objects can be used again while they are in the processor's cache.
        for row in rows:
            self._rows += PACK(*row)
        self._ends.fromlist(ends)
        self._kv_blocks.fromlist(kv_blocks)
        if len(self._ends) >= CHUNK_STEPS:
            self.flush()

    def flush(self) -> None:
        """Reduce what has been written since the last flush."""
        if not self._rows:
            return
        rows = np.frombuffer(self._rows, dtype=np.int64).reshape(-1, ROW).T
        ends = np.frombuffer(self._ends, dtype=np.int64)
        counts = rows[2]
        first = np.cumsum(counts) - counts

        def each(column: Ints) -> Ints:
            """What holds for a run, for every step of it."""
            return np.repeat(column, counts)

        starts = np.empty_like(ends)
        starts[1:] = ends[:-1]
        starts[first] = rows[1]
        decode_sequences = each(rows[7])
        steps = StepColumns(
            duration_ns=ends - starts,
            prefill_tokens=each(rows[3]),
            prefill_sequences=each(rows[4]),
            prefill_context=each(rows[5]),
            prefill_products=each(rows[6]),
            decode_sequences=decode_sequences,
            decode_tokens=each(rows[8]),
            decode_context=each(rows[9] - first * rows[7]) + np.arange(len(ends)) * decode_sequences,
        )
        kv_blocks = np.frombuffer(self._kv_blocks, dtype=np.int64)
        waiting = each(rows[10])
        self._add_windows(steps, ends, kv_blocks, waiting)
        self._add_inter_token(steps)
        self.steps += len(ends)
        if self._kept is not None:
            self._kept.append(
                (
                    each(rows[0]),
                    starts,
                    steps.duration_ns,
                    steps.prefill_tokens,
                    steps.prefill_sequences,
                    steps.prefill_context,
                    steps.prefill_products,
                    steps.decode_sequences,
                    steps.decode_tokens,
                    steps.decode_context,
                    kv_blocks.copy(),
                    waiting,
                )
            )
        # New ones: the views above still point into the old.
        self._rows = bytearray()
        self._ends = array("q")
        self._kv_blocks = array("q")

    # -- results -----------------------------------------------------------------------------

    def windows(self) -> StepWindows:
        """Windowed sums so far."""
        self.flush()
        sums = dict(zip(_SUMS, self._sums, strict=False))
        return StepWindows(
            width_ns=self._width_ns,
            steps=sums["steps"].astype(np.int64),
            busy_ns=sums["busy_ns"].astype(np.int64),
            prefill_ns=sums["prefill_ns"].astype(np.int64),
            prefill_tokens=sums["prefill_tokens"].astype(np.int64),
            decode_tokens=sums["decode_tokens"].astype(np.int64),
            batch_ns=sums["batch"] * WEIGHT_NS,
            kv_blocks_ns=sums["kv_blocks"] * WEIGHT_NS,
            waiting_ns=sums["waiting"] * WEIGHT_NS,
            prefill_j=sums["prefill_uj"] * 1e-6,
            decode_j=sums["decode_uj"] * 1e-6,
            bound_ns=self._sums[len(_SUMS) :].T.copy(),
        )

    def inter_token(self) -> LatencyHistogram:
        """Histogram of inter-token latencies so far."""
        self.flush()
        return LatencyHistogram(LOWEST_NS, RATIO, self._histogram.copy(), self._itl_sum_ns, self._itl_count)

    def step_table(self) -> StepTable | None:
        """Every step, where they were kept, by start and replica: jumps of replicas overtake each other."""
        self.flush()
        if self._kept is None:
            return None
        if not self._kept:
            return StepTable(*(np.zeros(0, dtype=np.int64) for _ in StepTable.__slots__))
        columns = [np.concatenate(parts) for parts in zip(*self._kept, strict=True)]
        replica, start = columns[:2]
        order = np.lexsort((replica, start))
        return StepTable(*(column[order] for column in columns))

    # -- reduction ---------------------------------------------------------------------------

    def _add_windows(self, steps: StepColumns, ends: Ints, kv_blocks: Ints, waiting: Ints) -> None:
        last = int(ends.max())
        while last // self._width_ns >= MOST_WINDOWS:
            self._double_width()
        missing = last // self._width_ns + 1 - self._sums.shape[1]
        if missing > 0:
            self._sums = np.pad(self._sums, ((0, 0), (0, missing)))
        costs = self._pricer.costs(steps)
        duration = steps.duration_ns
        tokens = np.maximum(steps.prefill_tokens + steps.decode_tokens, 1)
        per_step = {
            "steps": np.ones(len(ends)),
            "busy_ns": duration,
            "prefill_ns": duration * steps.prefill_tokens // tokens,
            "prefill_tokens": steps.prefill_tokens,
            "decode_tokens": steps.decode_tokens,
            "batch": (steps.prefill_sequences + steps.decode_sequences) * duration // WEIGHT_NS,
            "kv_blocks": kv_blocks * duration // WEIGHT_NS,
            "waiting": waiting * duration // WEIGHT_NS,
            "prefill_uj": np.rint(costs.prefill_j * 1e6),
            "decode_uj": np.rint(costs.decode_j * 1e6),
        }
        window = ends // self._width_ns
        # Steps of one window in a row are summed first: far fewer sums than steps.
        begins = np.flatnonzero(np.diff(window, prepend=-1))
        window = window[begins]
        first = int(window.min())
        window -= first
        width = int(window.max()) + 1
        touched = self._sums[:, first : first + width]
        for row, name in enumerate(_SUMS):
            touched[row] += np.bincount(window, np.add.reduceat(per_step[name], begins), width)
        for code in range(len(BOUNDS)):
            bound_ns = np.where(costs.bound == code, duration, 0)
            touched[len(_SUMS) + code] += np.bincount(window, np.add.reduceat(bound_ns, begins), width)

    def _double_width(self) -> None:
        self._width_ns *= 2
        if self._sums.shape[1] % 2:
            self._sums = np.pad(self._sums, ((0, 0), (0, 1)))
        self._sums = self._sums[:, 0::2] + self._sums[:, 1::2]

    def _add_inter_token(self, steps: StepColumns) -> None:
        decoding = steps.decode_sequences > 0
        if not decoding.any():
            return
        duration = steps.duration_ns[decoding]
        weight = steps.decode_sequences[decoding]
        position = np.log(np.maximum(duration, LOWEST_NS) / LOWEST_NS) / math.log(RATIO)
        bins = np.minimum(position.astype(np.int64), BINS - 1)
        self._histogram += np.bincount(bins, weights=weight, minlength=BINS).astype(np.int64)
        self._itl_sum_ns += int((duration * weight).sum())
        self._itl_count += int(weight.sum())


#: What the windows sum, in whole numbers: their sums are exact in any order, so results do not
#: depend on how steps were grouped into runs and chunks.
_SUMS = (
    "steps",
    "busy_ns",
    "prefill_ns",
    "prefill_tokens",
    "decode_tokens",
    "batch",
    "kv_blocks",
    "waiting",
    "prefill_uj",
    "decode_uj",
)
