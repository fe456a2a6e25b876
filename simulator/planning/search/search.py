"""Search of a design space too large for a grid: Optuna asks, the simulator answers.

The sampler is Optuna's tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011) with a fixed seed. A
design that misses its objectives, grows a queue or cannot run is worse than any that does not; among those
the share of requests that miss decides, so that the search finds its way into what is allowed. All designs
have the same seed, so they meet the same requests. Every simulated design is in a journal as those of a sweep
are: a search that was killed goes through what it knows without simulating it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.errors import InputError
from simulator.planning.run_many import Backend, Done
from simulator.planning.sweep.axes import Axis
from simulator.planning.sweep.pareto import Goal
from simulator.planning.sweep.point import Point, PointRecord, Source
from simulator.planning.sweep.ranges import NumberRange
from simulator.planning.sweep.sweep import sweep

#: Added per share of requests that miss, on top of any figure that is allowed.
_PENALTY = 1e12
#: Designs asked for at a time, per process.
_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The best design, and all that were simulated in the order of the search.

    ``best`` is None where no design met its objectives.
    """

    goal: Goal
    best: PointRecord | None
    records: tuple[PointRecord, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        best = self.best
        return {
            "solved": best is not None,
            "goal": {self.goal.key: "large" if self.goal.large else "small"},
            "best": None if best is None else {"set": best.settings, "figures": best.figures},
            "designs": [
                {"set": one.settings, "reason": one.reason, self.goal.key: one.figures.get(self.goal.key)}
                for one in self.records
            ],
        }


def search(
    source: Source,
    axes: Sequence[Axis],
    ranges: Sequence[NumberRange],
    goal: Goal,
    trials: int,
    seed: int,
    folder: Path,
    *,
    jobs: int | None = None,
    backend: Backend = "processes",
    progress: Done | None = None,
) -> SearchResult:
    """Simulate ``trials`` designs, each where the ones before make it look best.

    Raises
    ------
    InputError
        Where Optuna is missing.
    """
    study = _study(seed)
    at_once = _AT_ONCE * (jobs or 2)
    records: list[PointRecord] = []
    while len(records) < trials:
        asked = [study.ask() for _ in range(min(at_once, trials - len(records)))]
        points = [Point(_settings(trial, axes, ranges), seed) for trial in asked]
        found = sweep(source, points, folder, jobs=jobs, backend=backend)
        for trial, record in zip(asked, found, strict=True):
            study.tell(trial, loss(record, goal))
        records += found
        if progress is not None:
            progress(len(records), trials)
    allowed = [record for record in records if _allowed(record, goal)]
    best = min(allowed, key=lambda record: loss(record, goal), default=None)
    return SearchResult(goal, best, tuple(records))


def loss(record: PointRecord, goal: Goal) -> float:
    """What the search makes small."""
    if record.reason is not None:
        return 3 * _PENALTY
    if not _allowed(record, goal):
        share = record.figures.get("slo_attainment")
        return _PENALTY * (2.0 - (share if isinstance(share, float) else 0.0))
    return goal.cost(float(record.figures[goal.key]))


def _allowed(record: PointRecord, goal: Goal) -> bool:
    figures = record.figures
    known = isinstance(figures.get(goal.key), int | float)
    return known and figures.get("slo_met") is not False and not figures.get("overloaded")


def _study(seed: int) -> Any:
    try:
        import optuna
    except ImportError:
        raise InputError("the search needs Optuna: pip install 'simulator[search]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))


def _settings(trial: Any, axes: Sequence[Axis], ranges: Sequence[NumberRange]) -> tuple[tuple[str, Any], ...]:
    # Optuna's categories are plain values; a design may be a mapping: its place in the list stands for it.
    places = [trial.suggest_categorical(axis.key, range(len(axis.values))) for axis in axes]
    chosen = [(axis.key, axis.values[place]) for axis, place in zip(axes, places, strict=True)]
    numbers = [
        (
            one.key,
            one.written(
                trial.suggest_int(one.key, int(one.low), int(one.high))
                if one.whole
                else trial.suggest_float(one.key, one.low, one.high)
            ),
        )
        for one in ranges
    ]
    return (*chosen, *numbers)
