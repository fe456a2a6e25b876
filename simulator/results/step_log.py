"""Steps as the engine writes them, reduced in chunks to windowed sums and a histogram.

The engine writes one row per run of equal steps (same batch, contexts growing by one token a
step) and the end time of every step. Every so often the chunk is expanded to one element per
step, priced for energy in vectors, added to the windows, and forgotten; so memory does not
grow with the number of steps unless a scenario asks for all of them.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from simulator.latency.pricer import BOUNDS, StepColumns, StepPricer
from simulator.results.recording import LatencyHistogram, StepTable, StepWindows

#: replica, start_ns, steps, prefill tokens/sequences/context/products, decode sequences/tokens/first
#: context, requests waiting
ROW = 11
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
        self._rows: list[tuple[int, ...]] = []
        self._ends = array("q")
        self._kv_blocks = array("q")
        self._kept: list[tuple[Ints, ...]] | None = [] if keep_steps else None
        self.steps = 0
        self._width_ns = FIRST_WIDTH_NS
        self._sums = np.zeros((len(_SUMS) + len(BOUNDS), 0))
        self._histogram = np.zeros(BINS, dtype=np.int64)
        self._itl_sum_ns = 0
        self._itl_count = 0

    def add_runs(
        self, rows: Sequence[tuple[int, ...]], ends: Sequence[int], kv_blocks: Sequence[int]
    ) -> None:
        """Runs of equal steps, a row each, and of every step the end time and the KV blocks in use.

        The hot call: once per wake of a replica.
        """
        self._rows += rows
        self._ends.extend(ends)
        self._kv_blocks.extend(kv_blocks)
        if len(self._ends) >= CHUNK_STEPS:
            self.flush()

    def flush(self) -> None:
        """Reduce what has been written since the last flush."""
        if not self._rows:
            return
        flat = np.fromiter(chain.from_iterable(self._rows), dtype=np.int64, count=ROW * len(self._rows))
        rows = flat.reshape(-1, ROW)
        ends = np.frombuffer(self._ends, dtype=np.int64)
        counts = rows[:, 2]
        run = np.repeat(np.arange(len(rows)), counts)
        within = np.arange(len(ends)) - np.repeat(np.cumsum(counts) - counts, counts)
        starts = np.where(within == 0, rows[run, 1], np.concatenate(([0], ends[:-1])))
        decode_sequences = rows[run, 7]
        steps = StepColumns(
            duration_ns=ends - starts,
            prefill_tokens=rows[run, 3],
            prefill_sequences=rows[run, 4],
            prefill_context=rows[run, 5],
            prefill_products=rows[run, 6],
            decode_sequences=decode_sequences,
            decode_tokens=rows[run, 8],
            decode_context=rows[run, 9] + within * decode_sequences,
        )
        kv_blocks = np.frombuffer(self._kv_blocks, dtype=np.int64)
        waiting = rows[run, 10]
        self._add_windows(steps, ends, kv_blocks, waiting)
        self._add_inter_token(steps)
        self.steps += len(ends)
        if self._kept is not None:
            self._kept.append(
                (
                    rows[run, 0],
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
        self._rows.clear()
        # New arrays: the views above still point into the old ones.
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
        first = int(window.min())
        window -= first
        touched = self._sums[:, first : int(window.max()) + first + 1]
        for row, name in enumerate(_SUMS):
            touched[row] += np.bincount(window, per_step[name], touched.shape[1])
        for code in np.unique(costs.bound).tolist():
            bound = costs.bound == code
            touched[len(_SUMS) + code] += np.bincount(window[bound], duration[bound], touched.shape[1])

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
