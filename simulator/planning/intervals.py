"""Confidence intervals of means of a few independent values (Student's t)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

#: How sure an interval is to hold the true mean, unless said otherwise.
CONFIDENCE = 0.95


def half_width(values: Sequence[float], confidence: float = CONFIDENCE) -> float | None:
    """Half of the interval of a mean, None for fewer than two values.

    Notes
    -----
    t * s / sqrt(n), t the quantile of Student's distribution with n - 1 degrees of freedom (Law, Simulation
    Modeling and Analysis, 5th ed., 4.5).
    """
    count = len(values)
    if count < 2:
        return None
    half: float = student_t(count - 1, confidence) * float(np.std(values, ddof=1)) / count**0.5
    return half


def student_t(freedom: int, confidence: float = CONFIDENCE) -> float:
    """Two-sided quantile of Student's t with ``freedom`` degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + confidence / 2))
