"""Simulated time: integer nanoseconds inside, seconds as floats only at the edges."""

from __future__ import annotations

NS_PER_S = 1_000_000_000


def ns_from_seconds(seconds: float) -> int:
    """Nearest whole nanosecond [ns] of a time in seconds [s]."""
    return round(seconds * NS_PER_S)
