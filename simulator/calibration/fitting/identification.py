"""What data could not tell: coefficients that another set of values explains just as well.

A coefficient is identified where its standard error is small beside its value. The condition number of the
columns, each scaled to unit length, says how far the data tell coefficients apart at all: 1 is perfect,
hundreds mean that some mixture of coefficients is all but free.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.latency.pricer import Floats

#: Standard errors of a coefficient within its value; fewer, and it could as well be zero.
SIGNIFICANT = 2.0
#: Correlation of two estimates from which on they are named together.
TOGETHER = 0.8


@dataclass(frozen=True, slots=True)
class Identification:
    """What a fit could tell.

    Attributes
    ----------
    condition
        Condition number of the scaled columns.
    errors
        Standard error over value of each coefficient that is not zero [1].
    unidentified
        Coefficient by coefficient what the data left open, in words.
    """

    condition: float
    errors: dict[str, float]
    unidentified: tuple[str, ...]


def condition_of(columns: Floats) -> float:
    """Condition number of columns scaled to unit length; columns of zeros are left out."""
    lengths = np.linalg.norm(columns, axis=0)
    kept = columns[:, lengths > 0] / lengths[lengths > 0]
    if kept.shape[1] == 0:
        return 1.0
    singular = np.linalg.svd(kept, compute_uv=False)
    return float(singular[0] / max(singular[-1], 1e-12))


def covariance_of(columns: Floats, variance: float) -> Floats:
    """Covariance of least-squares estimates, by pseudo-inverse where columns depend on each other."""
    lengths = np.maximum(np.linalg.norm(columns, axis=0), 1e-300)
    scaled = columns / lengths
    inverse = np.linalg.pinv(scaled.T @ scaled, rcond=1e-10)
    covariance: Floats = variance * inverse / np.outer(lengths, lengths)
    return covariance


def identify(names: tuple[str, ...], values: Floats, columns: Floats, residuals: Floats) -> Identification:
    """What a linear fit with these columns (already weighted), values and residuals could tell."""
    used = np.flatnonzero(values > 0)
    constant = [names[i] for i in range(len(names)) if not np.abs(columns[:, i]).sum() > 0]
    freedom = max(len(residuals) - len(used), 1)
    active = columns[:, used]
    covariance = covariance_of(active, float(residuals @ residuals) / freedom)
    spread = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    errors = {names[i]: float(s / values[i]) for i, s in zip(used.tolist(), spread.tolist(), strict=True)}
    open_ = [f"{name}: nothing in the data depends on it; held at 0" for name in constant]
    zero = [names[i] for i in range(len(names)) if values[i] == 0 and names[i] not in constant]
    open_ += [f"{name}: the data want none of it; at its bound of 0" for name in zero]
    for place, index in enumerate(used.tolist()):
        name = names[index]
        if errors[name] * SIGNIFICANT > 1.0:
            other = partner([names[i] for i in used.tolist()], covariance, place)
            open_.append(f"{name}: standard error {errors[name]:.0%} of its value{other}")
    return Identification(condition_of(active), errors, tuple(open_))


def partner(names: list[str], covariance: Floats, place: int) -> str:
    """Words for the coefficient that the one at ``place`` is mixed up with, if there is one."""
    spread = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
    correlation = np.abs(covariance[place]) / (spread * spread[place])
    correlation[place] = 0.0
    if not len(correlation) or correlation.max() < TOGETHER:
        return ""
    other = int(np.argmax(correlation))
    return f", not to be told from {names[other]} (correlation {correlation[other]:.2f})"
