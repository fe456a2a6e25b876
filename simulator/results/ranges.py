"""A figure with its spread: low, mid and high.

Prices, powers and intensities differ between sources. Low and high are the outermost of them, not
confidence bounds; a product takes the lows with the lows, for nothing says that they offset each other. What
is unknown is None, and whatever is computed from it is None.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Range:
    """Three figures of one quantity, none negative, ``low <= mid <= high``."""

    low: float
    mid: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.mid <= self.high:
            raise ValueError(f"low, mid and high must be in order: {self.low}, {self.mid}, {self.high}")

    @classmethod
    def exactly(cls, value: float) -> Range:
        """A figure without a spread."""
        return cls(value, value, value)

    @property
    def spreads(self) -> bool:
        """Whether low and high differ."""
        return self.low != self.high

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.mid + other.mid, self.high + other.high)

    def __mul__(self, factor: Range | float) -> Range:
        by = factor if isinstance(factor, Range) else Range.exactly(factor)
        return Range(self.low * by.low, self.mid * by.mid, self.high * by.high)

    def __truediv__(self, amount: float) -> Range:
        return Range(self.low / amount, self.mid / amount, self.high / amount)


def total(parts: Iterable[Range | None]) -> Range | None:
    """The sum of all parts; None where one is unknown or there is none."""
    known = list(parts)
    found: Range | None = None
    for part in known:
        if part is None:
            return None
        found = part if found is None else found + part
    return found


def times(value: Range | None, factor: Range | float | None) -> Range | None:
    """A product; None where either is unknown."""
    return None if value is None or factor is None else value * factor


def per(value: Range | None, amount: float | None) -> Range | None:
    """A quotient; None where the value is unknown or there is nothing to divide by."""
    return None if value is None or not amount else value / amount


def mid(value: Range | None) -> float | None:
    """The middle figure; None where unknown."""
    return None if value is None else value.mid


def named(name: str, value: Range | None) -> dict[str, float | None]:
    """The figure under ``name``, and its spread under ``name_low`` and ``name_high``."""
    if value is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: value.mid, f"{name}_low": value.low, f"{name}_high": value.high}
