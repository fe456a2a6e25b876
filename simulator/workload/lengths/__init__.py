"""Length distributions: from a spec to a table that lengths are drawn from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.scenario.spec import Spec
from simulator.scenario.workload.lengths import (
    EmpiricalSpec,
    ExponentialSpec,
    FixedSpec,
    GammaLengthSpec,
    InverseGaussianSpec,
    LengthSpec,
    LognormalSpec,
    MixtureSpec,
    NormalSpec,
    QuantilesSpec,
    ReasoningLengthSpec,
    UniformSpec,
    WeibullLengthSpec,
)
from simulator.workload.lengths import continuous, discrete, reasoning_profiles
from simulator.workload.lengths.table import LengthTable, blended

__all__ = ["LENGTH_BUILDERS", "LengthTable", "length_table"]


def mixture(spec: MixtureSpec) -> LengthTable:
    """Several distributions by weight; each part's own limits hold before the mixture's."""
    tables = [length_table(part.of) for part in spec.parts]
    return blended([part.weight for part in spec.parts], tables).clamped(spec.min, spec.max)


#: The builder of each distribution.
LENGTH_BUILDERS: dict[type[Spec], Callable[[Any], LengthTable]] = {
    FixedSpec: discrete.fixed,
    UniformSpec: discrete.uniform,
    NormalSpec: continuous.normal,
    LognormalSpec: continuous.lognormal,
    GammaLengthSpec: continuous.gamma,
    WeibullLengthSpec: continuous.weibull,
    ExponentialSpec: continuous.exponential,
    InverseGaussianSpec: continuous.inverse_gaussian,
    ReasoningLengthSpec: reasoning_profiles.reasoning_length,
    EmpiricalSpec: discrete.empirical,
    QuantilesSpec: discrete.quantiles,
    MixtureSpec: mixture,
}


def length_table(spec: LengthSpec) -> LengthTable:
    """The table of a length distribution [tokens]."""
    return LENGTH_BUILDERS[type(spec)](spec)
