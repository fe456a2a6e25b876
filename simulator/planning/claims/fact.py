"""A computed figure beside what was claimed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ComputedFact:
    """One figure that bears on a claim.

    Attributes
    ----------
    claim
        Its number.
    what
        What the figure is.
    value, unit
        The figure.
    claimed
        What was claimed or expected, in words.
    holds
        Whether the figure bears the claim out; None where it only explains it, or cannot tell.
    low, high
        95 % interval of a figure that was drawn; None where it is worked out.
    """

    claim: str
    what: str
    value: float
    unit: str
    claimed: str
    holds: bool | None = None
    low: float | None = None
    high: float | None = None

    @property
    def undecided(self) -> bool:
        """Whether what was claimed lies within the interval."""
        return self.holds is None and self.low is not None and bool(self.claimed)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "undecided": self.undecided}


def decided(low: float, high: float, least: float) -> bool | None:
    """Whether a figure of this interval is at least so much; None where the interval leaves it open."""
    return None if low < least <= high else low >= least
