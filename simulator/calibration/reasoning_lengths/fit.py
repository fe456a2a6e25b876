"""Fits the law of reasoning lengths to the cells of several models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simulator.calibration.reasoning_lengths.responses import Cell
from simulator.workload.lengths.reasoning import REFERENCE_LEVEL, LengthLaw
from simulator.workload.lengths.reasoning_profiles import level_of

Floats = NDArray[np.float64]

#: Beyond so many times the median of its cell a response has run away.
RUNAWAY = 2.5
#: Log error from which on the loss levels off: the noise of a 90th percentile of 40 responses.
NOISE = 0.10


def levels(cells: Iterable[Cell]) -> dict[str, float]:
    """Mean over difficulties of ln(mean tokens), by model."""
    means: dict[str, list[float]] = {}
    for cell in cells:
        means.setdefault(cell.model, []).append(cell.mean)
    return {model: level_of(values) for model, values in means.items()}


def fit_law(cells: Sequence[Cell]) -> LengthLaw:
    """The law that the responses of several models have in common, loops aside."""
    from scipy.optimize import minimize

    cells = [replace(cell, tokens=cell.ended, cut=cell.cut[~cell.cut]) for cell in cells if len(cell.ended)]

    share, factor = _runaways(cells)
    level = levels(cells)
    spreads = np.exp(np.linspace(np.log(0.1), np.log(1.2), 60))
    laws = [LengthLaw(float(s), 0.0, share, factor) for s in spreads]
    shapes = np.array([law.quantiles(1.0, REFERENCE_LEVEL, np.array([0.5, 0.9])) for law in laws])
    at = np.array([level[cell.model] - REFERENCE_LEVEL for cell in cells])
    measured = np.array([[cell.quantile(0.5), cell.quantile(0.9)] for cell in cells])
    measured /= np.array([[cell.mean] for cell in cells])

    def loss(parameters: Floats) -> float:
        wanted = np.clip(np.exp(parameters[0] + parameters[1] * at), spreads[0], spreads[-1])
        total = 0.0
        for column in range(2):
            error = np.log(np.interp(wanted, spreads, shapes[:, column]) / measured[:, column])
            total += float((1.0 - np.exp(-((error / NOISE) ** 2) / 2.0)).mean())
        return total + 0.02 * float(parameters[1]) ** 2

    start = np.array([np.log(0.36), 0.0])
    simplex = start + np.array([[0.0, 0.0], [0.15, 0.0], [0.0, 0.15]])
    found = minimize(
        loss,
        start,
        method="Nelder-Mead",
        options={"xatol": 1e-4, "fatol": 1e-6, "initial_simplex": simplex},
    ).x
    return LengthLaw(float(np.exp(found[0])), float(found[1]), share, factor)


def _runaways(cells: Sequence[Cell]) -> tuple[float, float]:
    """Share of the responses that run away, and their median factor."""
    all_ratios = np.concatenate([cell.tokens / np.median(cell.tokens) for cell in cells])
    beyond = all_ratios[all_ratios > RUNAWAY]
    if not len(beyond):
        return 0.0, 1.0
    return len(beyond) / len(all_ratios), float(np.median(beyond))
