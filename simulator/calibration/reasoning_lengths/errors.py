"""How far a law is off on models, given their mean at each difficulty."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from simulator.calibration.reasoning_lengths.fit import fit_law, levels
from simulator.calibration.reasoning_lengths.responses import Cell
from simulator.workload.lengths.reasoning import LengthLaw, lengths_of
from simulator.workload.lengths.table import LengthTable

#: Relative error that counts as close.
TOLERANCE = 0.15
#: Responses a cell needs to be scored.
FEWEST_RESPONSES = 20
#: Share of loops where every response looped: a law needs some that ended.
ALL = 1.0 - 1e-6

#: The lengths that a scenario would draw for a cell, from the law and the level of its model.
Predict = Callable[[LengthLaw, Cell, float], LengthTable]


def from_mean(law: LengthLaw, cell: Cell, level: float) -> LengthTable:
    """``{distribution: reasoning, means: {...}, difficulty: ...}``, which gives mean and level."""
    return lengths_of(law, cell.mean, level)


def from_mean_and_loops(law: LengthLaw, cell: Cell, level: float) -> LengthTable:
    """The same with ``loops`` and ``max``: the share of responses that ran into the limit is told too."""
    loops = min(cell.at_cap / len(cell.tokens), ALL)
    return lengths_of(law, cell.mean, level, cap=cell.cap, loops=loops)


@dataclass(frozen=True)
class CellError:
    """Relative errors of one cell."""

    model: str
    difficulty: str
    responses: int
    at_cap: int
    p50: float
    p90: float


@dataclass(frozen=True)
class ModelError:
    """Relative error of the 99th percentile over all difficulties of one model."""

    model: str
    p99: float


@dataclass(frozen=True)
class Scores:
    """What the criterion asks."""

    models: int
    cells: int
    p50_within_15_percent: float
    p90_within_15_percent: float
    both_within_15_percent: float
    cells_without_cap: int
    p50_within_15_percent_without_cap: float | None
    p90_within_15_percent_without_cap: float | None
    both_within_15_percent_without_cap: float | None
    p99_median_error: float


def errors_of(
    law: LengthLaw, cells: Sequence[Cell], predict: Predict
) -> tuple[list[CellError], list[ModelError]]:
    """Errors of a law on models, given their mean at each difficulty."""
    level = levels(cells)
    by_cell, by_model = [], []
    shares = (np.arange(1000) + 0.5) / 1000
    for model in dict.fromkeys(cell.model for cell in cells):
        own = [cell for cell in cells if cell.model == model]
        predicted = []
        for cell in own:
            table = predict(law, cell, level[model])
            predicted.append(table.draw(shares))
            if len(cell.tokens) >= FEWEST_RESPONSES:
                p50, p90 = table.draw(np.array([0.5, 0.9]))
                by_cell.append(
                    CellError(
                        model,
                        cell.difficulty,
                        len(cell.tokens),
                        cell.at_cap,
                        float(p50 / cell.quantile(0.5) - 1.0),
                        float(p90 / cell.quantile(0.9) - 1.0),
                    )
                )
        measured = np.concatenate([cell.tokens for cell in own])
        of_all = np.quantile(np.concatenate(predicted), 0.99) / np.quantile(measured, 0.99)
        by_model.append(ModelError(model, float(of_all - 1.0)))
    return by_cell, by_model


def leave_one_model_out(cells: Sequence[Cell]) -> dict[str, LengthLaw]:
    """For each model the law fitted to all others."""
    models = dict.fromkeys(cell.model for cell in cells)
    return {model: fit_law([cell for cell in cells if cell.model != model]) for model in models}


def errors_left_out(
    laws: dict[str, LengthLaw], cells: Sequence[Cell], predict: Predict
) -> tuple[list[CellError], list[ModelError]]:
    """Errors of every model under the law that was fitted to all others."""
    by_cell: list[CellError] = []
    by_model: list[ModelError] = []
    for model, law in laws.items():
        of_cells, of_models = errors_of(law, [cell for cell in cells if cell.model == model], predict)
        by_cell += of_cells
        by_model += of_models
    return by_cell, by_model


def scores_of(by_cell: Sequence[CellError], by_model: Sequence[ModelError]) -> Scores:
    """How many are close enough."""

    def within(errors: Sequence[float]) -> float | None:
        return float(np.mean(np.abs(errors) <= TOLERANCE)) if errors else None

    free = [cell for cell in by_cell if not cell.at_cap]
    both = [max(abs(cell.p50), abs(cell.p90)) for cell in by_cell]
    return Scores(
        models=len(by_model),
        cells=len(by_cell),
        p50_within_15_percent=within([cell.p50 for cell in by_cell]) or 0.0,
        p90_within_15_percent=within([cell.p90 for cell in by_cell]) or 0.0,
        both_within_15_percent=within(both) or 0.0,
        cells_without_cap=len(free),
        p50_within_15_percent_without_cap=within([cell.p50 for cell in free]),
        p90_within_15_percent_without_cap=within([cell.p90 for cell in free]),
        both_within_15_percent_without_cap=within([max(abs(cell.p50), abs(cell.p90)) for cell in free]),
        p99_median_error=median(abs(model.p99) for model in by_model),
    )
