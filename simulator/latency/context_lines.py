"""Straight lines in place of a curve of the context, so that runs of steps stay exact.

Decode attention grows with the context along a smooth but curved law. The engine jumps
over runs of steps only if a vector over the run gives bit for bit what single steps
give, which a straight line does. So every curve is replaced by chords on a fixed grid:
32 segments per doubling of the context, at most 3 % wide. For the curves of this
room that keeps a step within 0.1 % of its curve; where two bounds meet in a hard corner
the chord lies at most 0.8 % of the corner's own term above it.

The grid knows nothing of where a run of steps started: equal arguments, equal line.
"""

from __future__ import annotations

from collections.abc import Callable

from simulator.latency.pricer import DecodeLine

#: Segments per doubling of the context, as a power of two.
_LOG_SEGMENTS = 5
_BITS = _LOG_SEGMENTS + 1
#: Room for the context part of a key: up to 64 doublings of up to 64 segments.
_KEY_SHIFT = 12
#: End of a line that holds for every context.
EVERY_CONTEXT = 1 << 62


class ContextLines:
    """Chords of ``curve(sequences, context)`` [ns], drawn when first asked for.

    Parameters
    ----------
    curve
        Time [ns] for a number of sequences and their summed context [tokens].
    """

    __slots__ = ("_at", "_curve", "_lines")

    def __init__(self, curve: Callable[[int, int], float]) -> None:
        self._curve = curve
        self._at: dict[tuple[int, int], float] = {}  # on the grid, which neighbours share
        self._lines: dict[int, DecodeLine] = {}

    def line(self, sequences: int, context: int) -> DecodeLine:
        """The chord over the segment that holds ``context``.

        Hot: one dictionary look-up with an integer key in the common case.
        """
        shift = context.bit_length() - _BITS
        if shift < 0:
            shift = 0
        found = self._lines.get((sequences << _KEY_SHIFT) + (shift << _BITS) + (context >> shift))
        return found if found is not None else self._draw(sequences, context, shift)

    def _draw(self, sequences: int, context: int, shift: int) -> DecodeLine:
        start = (context >> shift) << shift
        end = start + (1 << shift)
        at_start = self._value(sequences, start)
        slope = (self._value(sequences, end) - at_start) / (end - start)
        line = DecodeLine(at_start - slope * start, slope, end - 1)
        self._lines[(sequences << _KEY_SHIFT) + (shift << _BITS) + (context >> shift)] = line
        return line

    def _value(self, sequences: int, context: int) -> float:
        key = (sequences, context)
        value = self._at.get(key)
        if value is None:
            value = self._at[key] = self._curve(sequences, context)
        return value
