"""A computed figure beside what was claimed."""

from __future__ import annotations

from dataclasses import dataclass


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
        Whether the figure bears the claim out; None where it only explains it.
    """

    claim: str
    what: str
    value: float
    unit: str
    claimed: str
    holds: bool | None = None
