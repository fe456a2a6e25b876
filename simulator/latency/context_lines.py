"""Straight lines in place of a curve of the context, so that runs of steps stay exact.

Decode attention grows with the context along a smooth but curved law. The engine jumps
over runs of steps only if what it computes for the run is bit for bit what single steps
give, which straight lines allow. So every curve is replaced by chords on a fixed grid:
8 segments per doubling of the context, each at most 12 % wide, where the curve's middle is within
0.002 % of the chord; where it is not, the segment is halved, down to 32 per doubling, 3 % wide.
There two bounds may meet in a hard corner; the chord lies at most 0.8 % of the corner's own
term above it.

The grid knows nothing of where a run of steps started: equal arguments, equal line.

Terms of a step are chords in floating point (`ContextLines`), whole decode steps are lines in whole
nanoseconds (`DecodeLines`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from simulator.latency.pricer import DecodeLine

#: Widest segments per doubling of the context, as a power of two, and how often one may be halved.
_LOG_SEGMENTS = 3
_HALVINGS = 2
_BITS = _LOG_SEGMENTS + 1
#: Room for the context part of a key: up to 64 doublings of up to 16 segments.
_KEY_SHIFT = 10
#: Of its middle's value, how far that may be off the chord of a segment.
STRAIGHT = 2e-5
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

    __slots__ = ("_at", "_crooked", "_curve", "_lines")

    def __init__(self, curve: Callable[[int, int], float]) -> None:
        self._curve = curve
        self._at: dict[tuple[int, int], float] = {}  # on the grid, which neighbours share
        self._lines: dict[int, Line] = {}  # over the widest segments
        self._crooked: dict[tuple[int, int, int], Line] = {}  # by the narrowest segment

    def line(self, sequences: int, context: int) -> Line:
        """The line over the segment that holds ``context``.

        Hot: one dictionary look-up with an integer key in the common case.
        """
        shift = context.bit_length() - _BITS
        if shift < 0:
            shift = 0
        key = (sequences << _KEY_SHIFT) + (shift << _BITS) + (context >> shift)
        found = self._lines.get(key)
        return found if found is not None else self._draw(sequences, context, shift, key)

    def _draw(self, sequences: int, context: int, shift: int, key: int) -> Line:
        """The line over the widest segment that is straight, or over the narrowest."""
        narrowest = max(shift - _HALVINGS, 0)
        narrow_key = (sequences, narrowest, context >> narrowest)
        line = self._crooked.get(narrow_key)
        if line is not None:
            return line
        width = shift
        start, end = _segment(context, width)
        while width > narrowest and not self._is_straight(sequences, start, end):
            width -= 1
            start, end = _segment(context, width)
        line = self._between(sequences, start, end)
        if width == shift:
            self._lines[key] = line
        else:
            self._crooked[narrow_key] = line
        return line

    def _is_straight(self, sequences: int, start: int, end: int) -> bool:
        middle = self._value(sequences, (start + end) // 2)
        chord = (self._value(sequences, start) + self._value(sequences, end)) / 2
        return abs(middle - chord) <= STRAIGHT * middle

    def _between(self, sequences: int, start: int, end: int) -> Line:
        """The line from the context ``start`` up to ``end``, where the next one begins."""
        raise NotImplementedError

    def _value(self, sequences: int, context: int) -> float:
        key = (sequences, context)
        value = self._at.get(key)
        if value is None:
            value = self._at[key] = self._curve(sequences, context)
        return value


def _segment(context: int, width: int) -> tuple[int, int]:
    """The segment of 2 ** ``width`` tokens that holds a context: its start, and that of the next one."""
    start = (context >> width) << width
    return start, start + (1 << width)


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
    on average over a segment nothing is lost, at its ends less than half a nanosecond for every step of it
    (where that is more than the chord itself may be off, the segment is halved too), and what grows never
    falls from one segment to the next.
    """

    __slots__ = ()

    def _is_straight(self, sequences: int, start: int, end: int) -> bool:
        if not super()._is_straight(sequences, start, end):
            return False
        at_start = self._value(sequences, start)
        _, lost = self._growth(sequences, start, end)
        return lost / 2 <= STRAIGHT * at_start

    def _between(self, sequences: int, start: int, end: int) -> DecodeLine:
        growth, lost = self._growth(sequences, start, end)
        return DecodeLine(int(self._value(sequences, start) + lost / 2), growth, start, end - 1)

    def _growth(self, sequences: int, start: int, end: int) -> tuple[int, float]:
        """Whole nanoseconds that each step takes more than the one before, and what is lost so by the end."""
        rise = self._value(sequences, end) - self._value(sequences, start)
        steps = (end - start) / sequences
        growth = int(rise // steps)
        return growth, rise - growth * steps
