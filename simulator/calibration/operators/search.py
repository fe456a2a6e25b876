"""The search for constants: least absolute logarithmic errors within physical bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

Floats = NDArray[np.float64]
Part = TypeVar("Part", bound=BaseModel)

#: Errors below this count by their square, above it by their size.
SOFT = 0.1


@dataclass(frozen=True, slots=True)
class Constant:
    """One constant to be found: where the search starts and what is possible."""

    start: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Found:
    """The constants, and the mean absolute relative error that is left [1]."""

    values: dict[str, float]
    error: float


def search(
    constants: dict[str, Constant], predict: Callable[[dict[str, float]], Floats], measured: Floats
) -> Found:
    """Constants that bring ``predict(constants)`` closest to ``measured``, both positive, shape (n,)."""
    from scipy.optimize import least_squares

    names = tuple(constants)
    bounds = ([constants[name].least for name in names], [constants[name].most for name in names])

    def errors(values: Floats) -> Floats:
        return np.log(predict(dict(zip(names, values.tolist(), strict=True))) / measured)

    start = [constants[name].start for name in names]
    result = least_squares(errors, start, bounds=bounds, loss="soft_l1", f_scale=SOFT, x_scale="jac")
    left = float(np.abs(np.expm1(errors(result.x))).mean())
    return Found({name: float(value) for name, value in zip(names, result.x, strict=True)}, left)


def tried(part: type[Part], values: Mapping[str, Any]) -> Part:
    """Part of a profile with the values that a search tries: not validated, for the search calls it often."""
    return part.model_construct(**values)
