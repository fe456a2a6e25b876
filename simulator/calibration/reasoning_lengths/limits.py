"""How close any law could come that knows a cell's mean: what chance and what the models themselves leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.calibration.reasoning_lengths.errors import FEWEST_RESPONSES, TOLERANCE
from simulator.calibration.reasoning_lengths.fit import levels
from simulator.calibration.reasoning_lengths.likeness import close_by_likeness
from simulator.calibration.reasoning_lengths.responses import Cell
from simulator.workload.lengths.reasoning import LengthLaw

#: Times that the responses of a cell are drawn.
DRAWS = 400


@dataclass(frozen=True)
class Limits:
    """Shares of cells whose median and 90th percentile are both within 15 %.

    Attributes
    ----------
    law_exact
        Where the responses themselves are drawn from the law: chance in so few responses does the rest.
    one_shape_in_hindsight
        With the one ratio of median to mean and of 90th percentile to mean for all cells that turns out best
        on these very cells. How much more a law reaches says what level and loops tell of a cell.
    by_likeness
        With the shape that is best in the cells most alike, each model left out (`likeness`): whether means
        say more of a spread than the law takes from them. None where there are fewer than three models.
    """

    law_exact: float
    one_shape_in_hindsight: float
    by_likeness: float | None


def limits_of(law: LengthLaw, cells: Sequence[Cell]) -> Limits | None:
    """The limits; None where no cell has enough responses to be scored."""
    level = levels(cells)
    cells = [cell for cell in cells if len(cell.tokens) >= FEWEST_RESPONSES]
    if not cells:
        return None
    exact = _law_exact(law, [level[cell.model] for cell in cells], cells)
    return Limits(exact, _one_shape(cells), close_by_likeness(cells))


def _law_exact(law: LengthLaw, level: Sequence[float], cells: Sequence[Cell]) -> float:
    random = np.random.default_rng(0)
    close = []
    for cell, of_model in zip(cells, level, strict=True):
        shape = (DRAWS, len(cell.tokens))
        drawn = np.exp(law.spread_at(of_model) * random.standard_normal(shape))
        drawn *= np.where(random.random(shape) < law.runaway_share, law.runaway_factor, 1.0)
        measured = np.quantile(drawn, [0.5, 0.9], axis=1) / drawn.mean(axis=1)
        predicted = law.quantiles(1.0, of_model, np.array([0.5, 0.9]))[:, None]
        close.append(np.all(np.abs(predicted / measured - 1.0) <= TOLERANCE, axis=0).mean())
    return float(np.mean(close))


def _one_shape(cells: Sequence[Cell]) -> float:
    measured = np.array([[cell.quantile(0.5), cell.quantile(0.9)] for cell in cells])
    measured /= np.array([[cell.mean] for cell in cells])
    medians, tails = np.linspace(0.5, 1.2, 141), np.linspace(0.9, 2.5, 321)
    close50 = np.abs(medians[:, None] / measured[:, 0] - 1.0) <= TOLERANCE
    close90 = np.abs(tails[:, None] / measured[:, 1] - 1.0) <= TOLERANCE
    return float((close50.astype(float) @ close90.T.astype(float)).max() / len(cells))
