"""Straight lines in place of a curve of the context, so that runs of steps stay exact.

Decode attention grows with the context along a smooth but curved law. The engine jumps
over runs of steps only if what it computes for the run is bit for bit what single steps
give, which straight lines allow. So every curve is replaced by chords on a fixed grid:
32 segments per doubling of the context, at most 3 % wide. For the curves of this
room that keeps a step within 0.1 % of its curve; where two bounds meet in a hard corner
the chord lies at most 0.8 % of the corner's own term above it.

The grid knows nothing of where a run of steps started: equal arguments, equal line.

Terms of a step are chords in floating point (`ContextLines`), whole decode steps are lines in whole
nanoseconds (`DecodeLines`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from simulator.latency.pricer import DecodeLine

#: Segments per doubling of the context, as a power of two.
_LOG_SEGMENTS = 5
_BITS = _LOG_SEGMENTS + 1
#: Room for the context part of a key: up to 64 doublings of up to 64 segments.
_KEY_SHIFT = 12
#: End of a line that holds for every context.
EVERY_CONTEXT = 1 << 62

Line = TypeVar("Line")


class Chord(NamedTuple):
    """``fixed_ns + ns_per_token * context`` up to and including ``context_end``."""

    fixed_ns: float
    ns_per_token: float
    context_end: int


class _OnGrid(Generic[Line]):
    """Lines along ``curve(sequences, context)`` [ns], drawn when first asked for.

    Parameters
    ----------
    curve
        Time [ns] for a number of sequences and their summed context [tokens].
    """

    __slots__ = ("_at", "_curve", "_lines")

    def __init__(self, curve: Callable[[int, int], float]) -> None:
        self._curve = curve
        self._at: dict[tuple[int, int], float] = {}  # on the grid, which neighbours share
        self._lines: dict[int, Line] = {}

    def line(self, sequences: int, context: int) -> Line:
        """The line over the segment that holds ``context``.

        Hot: one dictionary look-up with an integer key in the common case.
        """
        shift = context.bit_length() - _BITS
        if shift < 0:
            shift = 0
        found = self._lines.get((sequences << _KEY_SHIFT) + (shift << _BITS) + (context >> shift))
        return found if found is not None else self._draw(sequences, context, shift)

    def _draw(self, sequences: int, context: int, shift: int) -> Line:
        start = (context >> shift) << shift
        end = start + (1 << shift)
        line = self._between(sequences, start, end)
        self._lines[(sequences << _KEY_SHIFT) + (shift << _BITS) + (context >> shift)] = line
        return line

    def _between(self, sequences: int, start: int, end: int) -> Line:
        """The line from the context ``start`` up to ``end``, where the next one begins."""
        raise NotImplementedError

    def _value(self, sequences: int, context: int) -> float:
        key = (sequences, context)
        value = self._at.get(key)
        if value is None:
            value = self._at[key] = self._curve(sequences, context)
        return value


class ContextLines(_OnGrid[Chord]):
    """Chords of a term of the step."""

    __slots__ = ()

    def _between(self, sequences: int, start: int, end: int) -> Chord:
        at_start = self._value(sequences, start)
        slope = (self._value(sequences, end) - at_start) / (end - start)
        return Chord(at_start - slope * start, slope, end - 1)


class DecodeLines(_OnGrid[DecodeLine]):
    """Chords of whole decode steps, in whole nanoseconds.

    The growth from step to step is rounded down to whole nanoseconds, and the chord turned about its middle:
    on average over a segment nothing is lost, at its ends less than half a nanosecond for every step of it,
    and what grows never falls from one segment to the next.
    """

    __slots__ = ()

    def _between(self, sequences: int, start: int, end: int) -> DecodeLine:
        at_start = self._value(sequences, start)
        rise = self._value(sequences, end) - at_start
        steps = (end - start) / sequences
        growth = int(rise // steps)
        return DecodeLine(int(at_start + (rise - growth * steps) / 2), growth, start, end - 1)
