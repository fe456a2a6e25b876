"""What the means of a model say about its spread: shapes borrowed from the cells that are most alike.

The law knows a model by its level. All that its means could say besides is tried here, without any form of a
law: a cell left out is predicted with the ratios of median and 90th percentile to mean that are close, within
15 %, in most cells of other models, each counted by how much it is like the cell left out. Alike by what
(level, place of the mean in the model's means, their reach, or any of these together) and how narrowly is
chosen for each model left out among the others only, by leaving each of them out in turn.

The figure shows what more freedom than the law's buys; it is no forecast that anything draws from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, combinations

import numpy as np
from numpy.typing import NDArray

from simulator.calibration.reasoning_lengths.errors import TOLERANCE
from simulator.calibration.reasoning_lengths.fit import NOISE
from simulator.calibration.reasoning_lengths.responses import Cell

Floats = NDArray[np.float64]

#: Ratios to the mean that a cell's median and 90th percentile may be predicted with.
MEDIANS, TAILS = np.geomspace(0.6, 1.05, 25), np.geomspace(1.15, 2.0, 25)
#: Widths of the kernel, in standard deviations of a trait.
WIDTHS = (0.5, 1.0, 2.0)


def close_by_likeness(cells: Sequence[Cell]) -> float | None:
    """Share of cells with both percentiles within 15 %; None for fewer than three models."""
    names = [cell.model for cell in cells]
    models = list(dict.fromkeys(names))
    if len(models) < 3:
        return None
    of = np.array([models.index(name) for name in names])
    hits, credit = _hits(cells)
    kernels = [kernel * (of[:, None] != of) for kernel in _kernels(_traits(cells, of))]
    close = 0
    for model in range(len(models)):
        others = of != model
        scores = [_found(hits, credit, kernel * others, others) for kernel in kernels]
        best = kernels[int(np.argmax(scores))]
        close += _found(hits, credit, best, ~others)
    return close / len(cells)


def _found(hits: NDArray[np.bool_], credit: Floats, kernel: Floats, asked: NDArray[np.bool_]) -> int:
    """How many of the cells asked for are close with the ratios that their likes agree on."""
    chosen = (credit @ kernel[asked].T).argmax(axis=0)
    return int(hits[chosen, np.flatnonzero(asked)].sum())


def _hits(cells: Sequence[Cell]) -> tuple[NDArray[np.bool_], Floats]:
    """Whether each pair of ratios is close in each cell, and the same softened by a percentile's noise."""
    from scipy.special import ndtr

    hits, credits = [], []
    for share, ratios in ((0.5, MEDIANS), (0.9, TAILS)):
        measured = np.array([cell.quantile(share) / cell.mean for cell in cells])
        error = np.log(ratios[:, None] / measured)
        hits.append(np.abs(np.expm1(error)) <= TOLERANCE)
        edges = np.log1p(TOLERANCE), np.log1p(-TOLERANCE)
        credits.append(ndtr((edges[0] - error) / NOISE) - ndtr((edges[1] - error) / NOISE))
    pairs = (len(MEDIANS) * len(TAILS), len(cells))
    both = (hits[0][:, None] & hits[1][None, :]).reshape(pairs)
    return both, (credits[0][:, None] * credits[1][None, :]).reshape(pairs)


def _traits(cells: Sequence[Cell], of: NDArray[np.int_]) -> Floats:
    """Level of the model, place of the cell's mean, reach of the model's means; standardised."""
    logs = np.log([cell.mean for cell in cells])
    level = np.array([logs[of == model].mean() for model in of])
    reach = np.array([np.ptp(logs[of == model]) for model in of])
    traits = np.array([level, logs - level, reach])
    spread = traits.std(axis=1, keepdims=True)
    return np.asarray((traits - traits.mean(axis=1, keepdims=True)) / np.where(spread > 0.0, spread, 1.0))


def _kernels(traits: Floats) -> Iterator[Floats]:
    """How alike any two cells are, by every choice of traits and every width; first all alike."""
    squared = (traits[:, :, None] - traits[:, None, :]) ** 2
    yield np.ones(squared.shape[1:])
    for some in chain.from_iterable(combinations(range(len(traits)), n) for n in (1, 2, 3)):
        for width in WIDTHS:
            yield np.exp(-squared[list(some)].mean(axis=0) / (2.0 * width**2))
