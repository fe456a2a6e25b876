"""How long a reasoning model's outputs are, given their mean at each difficulty.

Within one model and one difficulty, lengths have a body (lognormal, or inverse Gaussian: both fit equally
well) and runaways, a few responses several times as long: with m the mean,

    L = m / c * B            with probability 1 - w,    ln B ~ Normal(0, s^2) for the lognormal body
    L = m / c * f * B        with probability w,        c = (1 - w + w f) E[B]

The spread falls with the level of a model, the mean over difficulties of ln(mean tokens): who thinks long
thinks evenly. With a probability of its own a response loops until the cap; its mean is then that of
all responses, so the others' is lower.

    ln s = ln s0 + slope (level - 8.5)

Parameters are fitted by `python -m simulator.calibration.reasoning_lengths`; what they rest on stands in
``techniques/reasoning_lengths.yaml``. The spread has parts: of the problem (all runs of a model on it share
it), of the run, and between models, which only matters where the model is unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from simulator.workload.lengths.continuous import rounded
from simulator.workload.lengths.table import LengthTable

Floats = NDArray[np.float64]
Family = Literal["lognormal", "inverse_gaussian"]

#: Level at which the spread is ``spread`` itself: mean ln(tokens), some 4,900 tokens.
REFERENCE_LEVEL = 8.5


@dataclass(frozen=True, slots=True)
class LengthLaw:
    """Parameters of the law.

    Attributes
    ----------
    spread
        Standard deviation of ln(length) of the body at the reference level.
    slope
        Change of ln(spread) per unit of level.
    runaway_share, runaway_factor
        How many responses run away, and by which factor.
    """

    spread: float
    slope: float
    runaway_share: float
    runaway_factor: float

    def spread_at(self, level: float) -> float:
        """Spread of the body of a model with this mean ln(tokens) over difficulties."""
        return float(np.clip(self.spread * exp(self.slope * (level - REFERENCE_LEVEL)), 0.1, 1.2))

    def distribution(
        self, mean: float, level: float, family: Family = "lognormal"
    ) -> Callable[[Floats], Floats]:
        """P(length <= x) for responses of this mean [tokens], loops aside."""
        body = bodies[family](self.spread_at(level))
        share, factor = self.runaway_share, self.runaway_factor
        scale = mean / (1.0 - share + share * factor)

        def below(x: Floats) -> Floats:
            return (1.0 - share) * body(x / scale) + share * body(x / (scale * factor))

        return below

    def quantiles(self, mean: float, level: float, shares: Floats, family: Family = "lognormal") -> Floats:
        """Lengths that these shares of the responses stay below [tokens]."""
        grid = mean * np.exp(np.linspace(log(0.01), log(60.0), 6000))
        return np.interp(shares, self.distribution(mean, level, family)(grid), grid)


def lognormal_body(spread: float) -> Callable[[Floats], Floats]:
    """Distribution function of a lognormal with mean 1."""
    from scipy.special import ndtr

    return lambda x: np.asarray(ndtr(np.log(np.maximum(x, 1e-300)) / spread + spread / 2.0))


def inverse_gaussian_body(spread: float) -> Callable[[Floats], Floats]:
    """Distribution function of an inverse Gaussian with mean 1 and as much variation as the lognormal."""
    from scipy.special import log_ndtr, ndtr

    shape = 1.0 / np.expm1(spread**2)

    def below(x: Floats) -> Floats:
        at = np.maximum(x, 1e-12)
        root = np.sqrt(shape / at)
        return np.asarray(ndtr(root * (at - 1.0)) + np.exp(2.0 * shape + log_ndtr(-root * (at + 1.0))))

    return below


bodies: dict[Family, Callable[[float], Callable[[Floats], Floats]]] = {
    "lognormal": lognormal_body,
    "inverse_gaussian": inverse_gaussian_body,
}


def without_loops(mean: float, loops: float, cap: float) -> float:
    """Mean of the responses that do not loop, where ``mean`` is that of all [tokens]."""
    return max((mean - loops * cap) / (1.0 - loops), 1.0)


def lengths_of(
    law: LengthLaw,
    mean: float,
    level: float,
    *,
    family: Family = "lognormal",
    shortest: int = 1,
    cap: int | None = None,
    loops: float = 0.0,
) -> LengthTable:
    """Lengths of responses with this mean, loops included; without a cap nothing loops."""
    if cap is None or not loops:
        return rounded(law.distribution(mean, level, family), shortest, cap)
    ended = law.distribution(without_loops(mean, loops, cap), level, family)
    return looping(rounded(ended, shortest, cap), loops, cap)


def looping(table: LengthTable, loops: float, cap: int) -> LengthTable:
    """The same lengths, a share of which are ``cap`` instead."""
    held = table.clamped(1, cap)
    cumulative = held.cumulative * (1.0 - loops)
    cumulative[-1] = 1.0
    return LengthTable(held.first, cumulative, bounded=True)
