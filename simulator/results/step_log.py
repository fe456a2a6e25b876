"""Steps as the engine writes them, reduced in chunks to windowed sums and a histogram.

The engine writes one row per run of equal steps: the same batch, contexts growing by one token a step,
durations by the same whole nanoseconds. Every so often the chunk is expanded to one element per
step, priced for energy in vectors, added to the windows, and forgotten; so memory does not
grow with the number of steps unless a scenario asks for all of them.
"""

from __future__ import annotations

import math
import struct
from array import array
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from simulator.latency.pricer import BOUNDS, StepColumns, StepPricer
from simulator.results.recording import NEVER, LatencyHistogram, StepTable, StepWindows

#: A row: replica, start_ns, steps, duration of the first step, growth from step to step [ns], KV blocks in
#: use, phase, prefill tokens/sequences/context/products, decode sequences/tokens/first context, requests
#: waiting. A row with prefills is a single step.
#:
#: A run of decodes takes KV blocks as its steps' numbers modulo the block size say, a cycle that is logged
#: beside its row. The phase is the place of its first step in the cycle, and the blocks are those in use
#: before it. Elsewhere the phase is NO_GROWTH, and the blocks are those in use in the step.
ROW = 15
NO_GROWTH = -1
#: A row as it is added.
packed_row = struct.Struct(f"={ROW}q").pack
#: A row without prefills as it is added: the four fields about them are left out.
packed_decodes = struct.Struct("=7q32x4q").pack
#: Steps per reduction: small enough for its arrays to stay in the cache.
CHUNK_STEPS = 1 << 12
#: Sums weighted by time count in units of this many nanoseconds, so that they stay below 2**53.
WEIGHT_BITS = 10
WEIGHT_NS = 1 << WEIGHT_BITS
FIRST_WIDTH_NS = 100_000_000
MOST_WINDOWS = 1024
#: Inter-token latencies from 1 microsecond on in bins of 0.2 %.
LOWEST_NS = 1_000.0
RATIO = 1.002
BINS = 11_600  # up to about 10,000 s

_NO_CYCLE = array("I")

Ints = NDArray[np.int64]


class Resumption(Protocol):
    """A replica goes on with an output that another one began."""

    @property
    def replica(self) -> int:
        """Number of the replica that goes on."""
        ...

    @property
    def paused_ns(self) -> int:
        """Last token before [ns]."""
        ...

    @property
    def resumed_ns(self) -> int:
        """First token after, which the end of a step of that replica delivers [ns]; ``NEVER`` until known."""
        ...


class StepLog:
    """Steps of all replicas of one pool.

    Parameters
    ----------
    pricer
        Gives energy and bottleneck of recorded steps.
    keep_steps
        Whether every step is kept.
    counted_from_ns
        Inter-token latencies that end before are left out [ns].
    """

    def __init__(self, pricer: StepPricer, keep_steps: bool = False, counted_from_ns: int = 0) -> None:
        self._pricer = pricer
        self._counted_from_ns = counted_from_ns
        self._rows = bytearray()
        self._cycles = array("I")
        self._logged = 0
        self._kept: list[tuple[Ints, ...]] | None = [] if keep_steps else None
        self.steps = 0
        self._width_ns = FIRST_WIDTH_NS
        self._sums = np.zeros((len(_SUMS) + len(BOUNDS), 0))
        self._histogram = np.zeros(BINS, dtype=np.int64)
        self._itl_sum_ns = 0
        self._itl_count = 0
        self._wasted = array("q")
        self._resumptions: dict[Resumption, None] = {}
        self._last_steps: _StepEnds | None = None

    def add_step(self, *row: int) -> None:
        """One step, whose blocks are taken."""
        self.add_runs(packed_row(*row), 1, _NO_CYCLE, 0)

    def add_runs(self, rows: bytes, steps: int, cycle: array[int], growing: int) -> None:
        """Runs of equal steps, so many steps in all.

        The hot call: once per wake of a replica.

        Parameters
        ----------
        rows
            A packed row of each.
        cycle
            Blocks that steps take by their number modulo the block size [blocks].
        growing
            How many of the rows take them.
        """
        self._rows += rows
        self._cycles += cycle * growing
        self._logged += steps
        if self._logged >= CHUNK_STEPS:
            self.flush()

    def waste(self, duration_ns: int, end_ns: int) -> None:
        """A decode is in such a step [ns] whose token nobody gets: its last has come before."""
        if end_ns >= self._counted_from_ns:
            self._wasted.append(duration_ns)

    def resume(self, resumption: Resumption) -> None:
        """Its first token after the pause comes that long after the last before, however long its step is."""
        self._resumptions[resumption] = None

    def forget(self, resumption: Resumption) -> None:
        """It came to nothing."""
        self._resumptions.pop(resumption, None)

    def flush(self) -> None:
        """Reduce what has been written since the last flush."""
        if not self._rows:
            return
        rows = np.frombuffer(self._rows, dtype=np.int64).reshape(-1, ROW).T
        counts = rows[2]
        first = np.cumsum(counts) - counts
        prompts = rows[8].nonzero()[0]  # rows with prefills, which are single steps
        with_prompts = first[prompts]

        def each(column: Ints) -> Ints:
            """What holds for a run, for every step of it."""
            return column.repeat(counts)

        def of_prompts(column: Ints) -> Ints:
            """What single steps with prefills have and others have not."""
            filled = np.zeros(self._logged, dtype=np.int64)
            filled[with_prompts] = column[prompts]
            return filled

        position = np.arange(self._logged) - each(first)
        growth = each(rows[4])
        begin_duration = each(rows[3])
        grown = growth * position
        duration = begin_duration + grown
        starts = each(rows[1]) + position * begin_duration + (grown * (position - 1) >> 1)
        ends = starts + duration
        decode_sequences = each(rows[11])
        steps = StepColumns(
            duration_ns=duration,
            prefill_tokens=of_prompts(rows[7]),
            prefill_sequences=of_prompts(rows[8]),
            prefill_context=of_prompts(rows[9]),
            prefill_products=of_prompts(rows[10]),
            decode_sequences=decode_sequences,
            decode_tokens=each(rows[12]),
            decode_context=each(rows[13]) + position * decode_sequences,
        )
        kv_blocks = self._blocks_in_use(rows, counts, position)
        waiting = each(rows[14])
        self._add_windows(steps, ends, kv_blocks, waiting)
        self._add_inter_token(self._counted(rows))
        if self._wasted:
            self._drop_wasted()
        if self._resumptions:
            self._add_pauses(_StepEnds(each(rows[0]), ends, duration))
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
                    kv_blocks,
                    waiting,
                )
            )
        # New ones: the views above still point into the old.
        self._rows = bytearray()
        self._cycles = array("I")
        self._logged = 0

    def _blocks_in_use(self, rows: Ints, counts: Ints, position: Ints) -> Ints:
        """KV blocks in use in every step."""
        used = np.repeat(rows[5], counts)
        growing = rows[6] != NO_GROWTH
        runs = int(growing.sum())
        if runs:
            grows = np.repeat(growing, counts)
            counts = counts[growing]
            cycles = np.frombuffer(self._cycles, dtype=np.uint32)
            size = len(cycles) // runs
            phase = np.repeat(rows[6][growing], counts) + position[grows]
            taken = cycles[np.repeat(np.arange(runs) * size, counts) + phase % size].astype(np.int64)
            total = np.cumsum(taken)
            last = np.cumsum(counts) - 1
            before = np.concatenate(([0], total[last[:-1]]))
            used[grows] += total - np.repeat(before, counts)
        return used

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
        sequences = steps.prefill_sequences + steps.decode_sequences
        tokens = np.maximum(steps.prefill_tokens + steps.decode_tokens, 1)
        window = ends // self._width_ns
        first = int(window.min())
        window -= first
        width = int(window.max()) + 1
        # Steps in a row of one window and one bound are summed first: far fewer sums than steps.
        kind = window * len(BOUNDS) + costs.bound
        begins = np.concatenate(([0], (kind[1:] != kind[:-1]).nonzero()[0] + 1))
        kind, window = kind[begins], window[begins]

        def in_windows(per_step: NDArray[Any]) -> NDArray[Any]:
            return np.bincount(window, np.add.reduceat(per_step, begins), width)

        busy_ns = np.add.reduceat(duration, begins)
        sums = {
            "steps": np.bincount(window, np.diff(begins, append=len(ends)), width),
            "busy_ns": np.bincount(window, busy_ns, width),
            "prefill_ns": in_windows(duration * steps.prefill_tokens // tokens),
            "prefill_tokens": in_windows(steps.prefill_tokens),
            "decode_tokens": in_windows(steps.decode_tokens),
            "batch": in_windows(sequences * duration >> WEIGHT_BITS),
            "kv_blocks": in_windows(kv_blocks * duration >> WEIGHT_BITS),
            "waiting": in_windows(waiting * duration >> WEIGHT_BITS),
            "prefill_uj": in_windows(np.rint(costs.prefill_j * 1e6)),
            "decode_uj": in_windows(np.rint(costs.decode_j * 1e6)),
        }
        touched = self._sums[:, first : first + width]
        for row, name in enumerate(_SUMS):
            touched[row] += sums[name]
        bound_ns = np.bincount(kind, busy_ns, len(BOUNDS) * width)
        touched[len(_SUMS) :] += bound_ns.reshape(width, len(BOUNDS)).T

    def _double_width(self) -> None:
        self._width_ns *= 2
        if self._sums.shape[1] % 2:
            self._sums = np.pad(self._sums, ((0, 0), (0, 1)))
        self._sums = self._sums[:, 0::2] + self._sums[:, 1::2]

    def _counted(self, rows: Ints) -> Ints:
        """The rows without the steps that end before anything counts."""
        since_ns = self._counted_from_ns
        if rows[1].min() >= since_ns:
            return rows
        begin, counts, duration, growth = rows[1:5]
        rows = rows[:, begin + counts * duration + growth * (counts * (counts - 1) // 2) >= since_ns]
        for run in (rows[1] < since_ns).nonzero()[0]:
            begin_ns, steps, first_ns, growth_ns = rows[1:5, run].tolist()
            ends = begin_ns + np.cumsum(first_ns + growth_ns * np.arange(steps))
            early = int(np.searchsorted(ends, since_ns))
            if early:
                rows[1:4, run] = ends[early - 1], steps - early, first_ns + growth_ns * early
        return rows

    def _add_inter_token(self, rows: Ints) -> None:
        """The durations of steps, once for each decode in them.

        Those of a run hardly differ: it is taken apart only where they fall in different bins.
        """
        rows = rows[:, rows[11] > 0]
        _, _, counts, duration, growth = rows[:5]
        sequences = rows[11]
        longest = duration + growth * (counts - 1)
        self._itl_sum_ns += int((counts * (duration + longest) // 2 * sequences).sum())
        self._itl_count += int((counts * sequences).sum())
        bins = _bins(duration)
        apart = (bins != _bins(longest)).nonzero()[0]
        together = counts * sequences
        if len(apart):
            together[apart] = 0
            steps = counts[apart]
            position = np.arange(steps.sum()) - (np.cumsum(steps) - steps).repeat(steps)
            each = duration[apart].repeat(steps) + growth[apart].repeat(steps) * position
            np.add.at(self._histogram, _bins(each), sequences[apart].repeat(steps))
        np.add.at(self._histogram, bins, together)

    def _drop_wasted(self) -> None:
        wasted = np.array(self._wasted, dtype=np.int64)
        np.subtract.at(self._histogram, _bins(wasted), 1)
        self._itl_sum_ns -= int(wasted.sum())
        self._itl_count -= len(wasted)
        self._wasted = array("q")

    def _add_pauses(self, steps: _StepEnds) -> None:
        """Where an output was resumed, its pause takes the place of the step that delivered the first token.

        An engine may write a step down before its tokens are out, so the steps of the flush before count too.
        """
        looked_in = (steps,) if self._last_steps is None else (steps, self._last_steps)
        self._last_steps = steps
        resumed = [one for one in self._resumptions if one.resumed_ns != NEVER]
        for some in looked_in:
            if resumed:
                resumed = self._pauses_in(some, resumed)

    def _pauses_in(self, steps: _StepEnds, resumed: list[Resumption]) -> list[Resumption]:
        """Put in the pauses that end with one of the steps; returns the others."""
        replica, paused_ns, resumed_ns = np.array(
            [(one.replica, one.paused_ns, one.resumed_ns) for one in resumed], dtype=np.int64
        ).T
        known, durations = steps.durations(replica, resumed_ns)
        counts = resumed_ns[known] >= self._counted_from_ns
        pauses, durations = (resumed_ns - paused_ns)[known][counts], durations[counts]
        np.add.at(self._histogram, _bins(pauses), 1)
        np.subtract.at(self._histogram, _bins(durations), 1)
        self._itl_sum_ns += int(pauses.sum() - durations.sum())
        others = []
        for one, is_known in zip(resumed, known.tolist(), strict=True):
            if is_known:
                del self._resumptions[one]
            else:
                others.append(one)
        return others


class _StepEnds:
    """When steps end and how long they last [ns], to be found by replica and end."""

    def __init__(self, replica: Ints, ends: Ints, durations: Ints) -> None:
        self._first_ns, self._last_ns = int(ends.min()), int(ends.max())
        places = self._places(replica, ends)
        order = np.argsort(places)
        self._at, self._durations = places[order], durations[order]

    def durations(self, replica: Ints, end_ns: Ints) -> tuple[NDArray[np.bool_], Ints]:
        """Of the steps of replicas that end then [ns]: which there are, and how long those last [ns]."""
        places = self._places(replica, end_ns)
        found = np.minimum(np.searchsorted(self._at, places), len(self._at) - 1)
        known = (self._at[found] == places) & (end_ns >= self._first_ns) & (end_ns <= self._last_ns)
        return known, self._durations[found[known]]

    def _places(self, replica: Ints, end_ns: Ints) -> Ints:
        """One number for replica and end within this chunk of steps."""
        return replica * (self._last_ns - self._first_ns + 1) + (end_ns - self._first_ns)


def _bins(durations: Ints) -> Ints:
    """Bins of the histogram of inter-token latencies [ns]."""
    position = np.log(np.maximum(durations, LOWEST_NS) / LOWEST_NS) / math.log(RATIO)
    return np.minimum(position.astype(np.int64), BINS - 1)


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
