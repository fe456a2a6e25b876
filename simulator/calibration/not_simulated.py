"""What is said of measured data that cannot be simulated as it stands: the reason, never a guess."""

from __future__ import annotations


class NotSimulated(Exception):
    """Why a run or a point cannot be simulated, for the report."""
