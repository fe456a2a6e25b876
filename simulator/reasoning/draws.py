"""Single draws for programs: one number at a time, from the random numbers of one task."""

from __future__ import annotations

from collections.abc import Callable
from math import exp
from random import Random

from simulator.scenario.workload.gaps import GapSpec
from simulator.scenario.workload.lengths import FixedSpec, LengthSpec
from simulator.units.clock import ns_from_seconds
from simulator.workload.lengths import length_table

Draw = Callable[[Random], int]


def length_draw(spec: LengthSpec) -> Draw:
    """Draws lengths [tokens]."""
    table = length_table(spec)
    if isinstance(spec, FixedSpec):
        only = table.first
        return lambda random: only
    find, first, last = table.cumulative.searchsorted, table.first, len(table.cumulative) - 1
    return lambda random: first + min(int(find(random.random(), "right")), last)


def mean_length(spec: LengthSpec) -> float:
    """Mean of a length distribution [tokens]."""
    table = length_table(spec)
    return float(table.first + (1.0 - table.cumulative).sum())


def gap_draw(spec: GapSpec) -> Draw:
    """Draws times [ns]."""
    longest = float("inf") if spec.max is None else spec.max
    return lambda random: ns_from_seconds(
        min(spec.median * exp(spec.sigma * random.gauss(0.0, 1.0)), longest)
    )
