"""A key and the range of a number that it may take: ``workload.arrivals.rate=8 /s,16 /s``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from simulator.errors import InputError
from simulator.planning.sweep.axes import Axis, parse_axis

#: The option that gives ranges.
RANGE = "--range"
_NUMBER = re.compile(r"\s*(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*(.*)")


@dataclass(frozen=True, slots=True)
class NumberRange:
    """A number with its unit between two ends; whole where both ends are.

    ``unit`` is the text after the number, empty where there is none.
    """

    key: str
    low: float
    high: float
    unit: str
    whole: bool

    def as_axis(self) -> Axis:
        """Both ends, as values to check."""
        return Axis(self.key, (self.at(0.0), self.at(1.0)), RANGE)

    def at(self, share: float) -> object:
        """The value so far between the ends [1], as a scenario writes it."""
        return self.written(self.low + share * (self.high - self.low))

    def written(self, number: float) -> object:
        """A number as a scenario writes it."""
        value = round(number) if self.whole else float(f"{number:.9g}")
        return f"{value} {self.unit}" if self.unit else value


def parse_range(text: str) -> NumberRange:
    """A range from ``key=low,high``.

    Raises
    ------
    InputError
        Where there are not two numbers of one unit in order.
    """
    key, _, ends = text.partition("=")
    if not key.strip() or not ends.strip():
        raise _no_range(text)
    axis = parse_axis(text, RANGE)
    found = [_NUMBER.fullmatch(str(value)) for value in axis.values]
    if len(found) != 2 or None in found:
        raise _no_range(text)
    (low, unit), (high, other) = (match.groups() for match in found if match is not None)
    if unit != other:
        raise InputError(f"the ends have the units {unit!r} and {other!r}", file=RANGE, key=axis.key)
    if float(low) >= float(high):
        raise InputError(f"{low} is not below {high}", file=RANGE, key=axis.key)
    whole = all(value.lstrip("-").isdigit() for value in (low, high)) and not unit
    return NumberRange(axis.key, float(low), float(high), unit, whole)


def _no_range(text: str) -> InputError:
    return InputError(
        f"found {text!r}, expected key=low,high, e.g. workload.arrivals.rate='8 /s,16 /s'", file=RANGE
    )
