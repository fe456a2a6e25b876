"""Continuous length distributions, rounded to whole tokens.

P(length <= k) is the distribution function at k + 1/2, the convention in which the
parameters of measured traces were fitted.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.scenario.workload.lengths import (
    LONGEST,
    ExponentialSpec,
    GammaLengthSpec,
    InverseGaussianSpec,
    LognormalSpec,
    NormalSpec,
    WeibullLengthSpec,
)
from simulator.workload.lengths.table import LengthTable

Floats = NDArray[np.float64]
DistributionFunction = Callable[[Floats], Any]

#: Where the table of an unlimited distribution ends: less than one draw in a billion lies beyond.
TAIL = 1e-10


def rounded(distribution: DistributionFunction, low: int, high: int | None) -> LengthTable:
    """Table of a continuous distribution between two limits."""
    last = LONGEST if high is None else high
    powers = np.exp2(np.arange(1, math.ceil(math.log2(LONGEST)) + 1, dtype=np.float64))
    thin = np.flatnonzero(1.0 - distribution(powers + 0.5) < TAIL)
    if len(thin):
        last = min(last, int(powers[thin[0]]))
    last = max(last, low)
    cumulative = distribution(np.arange(low, last + 1, dtype=np.float64) + 0.5)
    cumulative[-1] = 1.0
    return LengthTable(low, cumulative, high is not None)


def normal(spec: NormalSpec) -> LengthTable:
    """Normal with mean and standard deviation in tokens."""
    from scipy.special import ndtr

    return rounded(lambda x: ndtr((x - spec.mean) / spec.sd), spec.min, spec.max)


def lognormal_parameters(spec: LognormalSpec) -> tuple[float, float]:
    """Mean and standard deviation of ln(tokens), however the spec gives them.

    With mean m and standard deviation s: sigma^2 = ln(1 + s^2 / m^2), mu = ln m - sigma^2 / 2.
    """
    if spec.sigma is not None:
        sigma = spec.sigma
    else:
        assert spec.sd is not None and spec.mean is not None  # the spec holds this
        sigma = math.sqrt(math.log1p((spec.sd / spec.mean) ** 2))
    if spec.mu is not None:
        return spec.mu, sigma
    if spec.median is not None:
        return math.log(spec.median), sigma
    assert spec.mean is not None
    return math.log(spec.mean) - sigma**2 / 2.0, sigma


def lognormal(spec: LognormalSpec) -> LengthTable:
    """Lognormal."""
    from scipy.special import ndtr

    mu, sigma = lognormal_parameters(spec)
    return rounded(lambda x: ndtr((np.log(x) - mu) / sigma), spec.min, spec.max)


def gamma(spec: GammaLengthSpec) -> LengthTable:
    """Gamma with shape and scale in tokens."""
    from scipy.special import gammainc

    return rounded(lambda x: gammainc(spec.shape, x / spec.scale), spec.min, spec.max)


def weibull(spec: WeibullLengthSpec) -> LengthTable:
    """Weibull with shape and scale in tokens: F(x) = 1 - exp(-(x / scale)^shape)."""
    return rounded(lambda x: -np.expm1(-((x / spec.scale) ** spec.shape)), spec.min, spec.max)


def inverse_gaussian(spec: InverseGaussianSpec) -> LengthTable:
    """Inverse Gaussian with mean in tokens; its shape parameter is mean / cv^2."""
    from scipy.special import log_ndtr, ndtr

    shape = spec.mean / spec.cv**2

    def below(x: Floats) -> Floats:
        root, ratio = np.sqrt(shape / x), x / spec.mean
        mirrored = np.exp(2.0 * shape / spec.mean + log_ndtr(-root * (ratio + 1.0)))
        return np.asarray(ndtr(root * (ratio - 1.0)) + mirrored)

    return rounded(below, spec.min, spec.max)


def exponential(spec: ExponentialSpec) -> LengthTable:
    """Exponential with mean in tokens."""
    return rounded(lambda x: -np.expm1(-x / spec.mean), spec.min, spec.max)
