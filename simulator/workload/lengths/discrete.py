"""Length distributions given as whole tokens or as a table of percentiles."""

from __future__ import annotations

import numpy as np

from simulator.scenario.workload.lengths import EmpiricalSpec, FixedSpec, QuantilesSpec, UniformSpec
from simulator.workload.lengths.table import LengthTable


def fixed(spec: FixedSpec) -> LengthTable:
    """All mass on one length."""
    return LengthTable(spec.tokens, np.ones(1), bounded=True).clamped(spec.min, spec.max)


def uniform(spec: UniformSpec) -> LengthTable:
    """Equal mass on every whole number from low to high."""
    count = spec.high - spec.low + 1
    cumulative = np.arange(1, count + 1) / count
    return LengthTable(spec.low, cumulative, bounded=True).clamped(spec.min, spec.max)


def empirical(spec: EmpiricalSpec) -> LengthTable:
    """Mass on the listed lengths, by weight."""
    values = np.asarray(spec.values, dtype=np.int64)
    weights = np.ones(len(values)) if spec.weights is None else np.asarray(spec.weights)
    first = int(values.min())
    mass = np.bincount(values - first, weights=weights)
    cumulative = np.cumsum(mass) / mass.sum()
    cumulative[-1] = 1.0
    return LengthTable(first, cumulative, bounded=True).clamped(spec.min, spec.max)


def quantiles(spec: QuantilesSpec) -> LengthTable:
    """Straight lines in ln(tokens) between the given percentiles; a flat stretch is a point mass."""
    tokens = np.log(np.asarray(spec.tokens))
    share = np.asarray(spec.percent) / 100.0
    first, last = round(spec.tokens[0]), round(spec.tokens[-1])
    edges = np.log(np.arange(first, last + 1) + 0.5)
    # Of several percentiles at one length the highest counts: interpolate from the right.
    upper = np.searchsorted(tokens, edges, side="right")
    low, high = np.clip(upper - 1, 0, None), np.clip(upper, None, len(tokens) - 1)
    width = tokens[high] - tokens[low]
    along = np.divide(edges - tokens[low], width, out=np.zeros_like(edges), where=width > 0.0)
    cumulative = share[low] + along * (share[high] - share[low])
    cumulative[-1] = 1.0
    return LengthTable(first, cumulative, bounded=True).clamped(spec.min, spec.max)
