"""Searches for constants that points show: logarithmic errors, pulled towards what is expected.

A constant that the points say little about stays near its expectation; errors beyond 10 % count by their
size rather than its square. Points of one family (model, device) can be left out in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from simulator.calibration.operators.search import SOFT

Floats = NDArray[np.float64]
Values = dict[str, float]
_Group = TypeVar("_Group")

#: Weight of all points together against the expectations.
POINTS_WORTH = 400.0
#: Step of the search along a constant, as a share of its value.
STEP = 0.02


@dataclass(frozen=True, slots=True)
class Expected:
    """What a constant is expected to be, how far it may be off, and what is possible."""

    value: float
    spread: float
    least: float
    most: float


def fit(
    expected: dict[str, Expected],
    groups: Sequence[_Group],
    ratios: Callable[[Sequence[_Group], Values], Floats],
) -> Values:
    """Constants that bring ``ratios`` (predicted over measured of every point, or NaN) closest to one."""
    from scipy.optimize import least_squares

    names = tuple(expected)
    known = ~np.isnan(ratios(groups, {name: one.value for name, one in expected.items()}))
    weight = np.sqrt(POINTS_WORTH / max(int(known.sum()), 1))

    def errors(values: Floats) -> Floats:
        found = dict(zip(names, values.tolist(), strict=True))
        off = np.log(ratios(groups, found)[known])
        soft = np.sign(off) * np.sqrt(2 * (np.sqrt(1 + (off / SOFT) ** 2) - 1))
        pulls = [(found[name] - expected[name].value) / expected[name].spread for name in names]
        return np.concatenate([weight * soft, pulls])

    result = least_squares(
        errors,
        [expected[name].value for name in names],
        bounds=([expected[n].least for n in names], [expected[n].most for n in names]),
        x_scale=[expected[name].spread for name in names],
        diff_step=[STEP] * len(names),
        max_nfev=12,
    )
    return dict(zip(names, result.x.tolist(), strict=True))


def leave_one_out(
    expected: dict[str, Expected],
    groups: Sequence[_Group],
    ratios: Callable[[Sequence[_Group], Values], Floats],
    family: Callable[[_Group], str],
    teaches: Callable[[_Group], bool] = lambda _: True,
) -> dict[str, Floats]:
    """Relative errors of every family's points with constants fitted to the other families.

    Fitted to those that ``teaches`` says something about the constants; the others are predicted only.
    """
    errors = {}
    for name in dict.fromkeys(family(group) for group in groups):
        others = [group for group in groups if family(group) != name and teaches(group)]
        values = fit(expected, others, ratios)
        errors[name] = ratios([group for group in groups if family(group) == name], values) - 1
    return errors


def summary(errors: Floats) -> str:
    """Number, median size and median of relative errors, in words."""
    known = errors[~np.isnan(errors)]
    if not len(known):
        return "no server can be built"
    size = float(np.median(np.abs(known)))
    return f"{len(known):5d} points, median |error| {size:.1%}, bias {float(np.median(known)):+.1%}"


def report(
    expected: dict[str, Expected],
    groups: Sequence[_Group],
    ratios: Callable[[Sequence[_Group], Values], Floats],
    families: dict[str, Callable[[_Group], str]],
    teaches: Callable[[_Group], bool] = lambda _: True,
) -> None:
    """Print the constants, their errors, and the errors with each family left out in turn."""
    values = fit(expected, [group for group in groups if teaches(group)], ratios)
    for name, value in values.items():
        print(f"{name:28s} {value:.3g}")
    print(f"all fitted: {summary(ratios(groups, values) - 1)}")
    for what, family in families.items():
        errors = leave_one_out(expected, groups, ratios, family, teaches)
        print(f"\neach {what} left out in turn: {summary(np.concatenate(list(errors.values())))}")
        for name, off in errors.items():
            print(f"  {name:24s} {summary(off)}")
