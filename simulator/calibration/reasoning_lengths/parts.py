"""The spread of lengths, split by what it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from simulator.calibration.reasoning_lengths.responses import DIFFICULTIES, LENGTHS, column_of


@dataclass(frozen=True)
class SpreadParts:
    """Standard deviations of ln(length), by what they belong to (medians)."""

    problem: float
    run: float
    model: float


def spread_parts(file: Path) -> SpreadParts:
    """Parts of the spread in a table where all models answer the same problems once.

    The problem's part is its effect common to the models (two-way analysis of variance of ln(length) in
    each difficulty, noise of the mean taken off); what is left of a cell's variance is the run's and what a
    problem means to one model alone. The model's is the spread of cell means at one difficulty.
    """
    import pandas as pd

    rows = pd.read_csv(file)
    difficulty = column_of(rows, DIFFICULTIES, file, "a difficulty")
    length = column_of(rows, LENGTHS, file, "lengths")
    rows = rows[rows[length] > 0]
    problems, runs, models = [], [], []
    for _, group in rows.groupby(difficulty):
        logs = np.log(group[length])
        model = group["model"].astype(str) + group.get("effort", pd.Series("", group.index)).fillna(
            ""
        ).astype(str)
        rest = logs - logs.groupby(model).transform("mean")
        effect = rest.groupby(group["quiz_id"]).mean()
        noise = float((rest - rest.groupby(group["quiz_id"]).transform("mean")).var())
        of_problem = max(float(effect.var()) - noise / model.nunique(), 0.0)
        problems.append(of_problem**0.5)
        runs.append(noise**0.5)
        models.append(float(logs.groupby(model).mean().std()))
    return SpreadParts(median(problems), median(runs), median(models))
