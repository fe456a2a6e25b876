"""Predicted against measured for whole files of operating points."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.calibration.not_simulated import NotSimulated
from simulator.calibration.points.point import OperatingPoint, read_points
from simulator.calibration.points.prediction import predict
from simulator.calibration.points.setup import Setup
from simulator.calibration.points.sources import argonne, kubecon, mlenergy, other, silicon, splitwise
from simulator.errors import SimulatorError

#: Why no row of a source can be simulated.
REFUSED = {
    "inferencex-tokenpos": "the type of the GPUs is not stated",
    "mlperf-v5.1": "neither the lengths of prompts and outputs nor the layout is stated",
}
SOURCES: dict[str, Callable[[OperatingPoint], Setup]] = {
    "aiconfigurator-silicon": silicon.setup,
    "argonne": argonne.setup,
    "inference-perf-kubecon": kubecon.setup,
    "mlenergy": mlenergy.setup,
    "splitwise": splitwise.setup,
}

#: One line of the report: {"point", "metric", "predicted", "measured"} or {"point", "reason"}.
Row = dict[str, Any]
#: Points that are simulated in processes of their own, and how many at a time.
MANY, BATCH = 64, 8
PROCESSES = 2


@dataclass(frozen=True, slots=True)
class Compared:
    """A point, its simulated figures, and why it has none."""

    point: OperatingPoint
    predicted: dict[str, float]
    measured: dict[str, float]
    reason: str | None = None

    @property
    def rows(self) -> list[Row]:
        """A line for each figure that both sides have, or one with the reason why there is none."""
        if self.reason is not None:
            return [{"point": self.point.point_id, "reason": self.reason}]
        return [
            {
                "point": self.point.point_id,
                "metric": metric,
                "predicted": self.predicted[metric],
                "measured": value,
            }
            for metric, value in self.measured.items()
        ]

    def error(self, metric: str) -> float | None:
        """Relative error of a figure [1]; None where one side lacks it."""
        measured = self.measured.get(metric)
        return self.predicted[metric] / measured - 1.0 if measured else None


def validate_points(
    files: Iterable[Path | str], progress: Callable[[int, int], None] | None = None
) -> list[Row]:
    """Simulate every point of these files and set it beside its measured figures.

    Every point gives a row for each figure that both sides have, or one with the reason why there is none.
    ``progress`` is told how many points are done, and of how many.

    Raises
    ------
    InputError
        Where a file is missing or is no table of points.
    """
    return [row for one in compare_points(files, progress) for row in one.rows]


def compare_points(
    files: Iterable[Path | str], progress: Callable[[int, int], None] | None = None
) -> list[Compared]:
    """The points of these files, simulated; see `validate_points`."""
    points = [point for file in files for point in read_points(Path(file))]
    found = []
    for one in compare_each(points):
        found.append(one)
        if progress is not None:
            progress(len(found), len(points))
    return found


def compare_each(points: Sequence[OperatingPoint]) -> Iterator[Compared]:
    """These points in order, simulated; many of them in processes of their own."""
    if len(points) < MANY:
        return map(compare, points)
    from joblib import Parallel, delayed

    workers = Parallel(n_jobs=PROCESSES, batch_size=BATCH, return_as="generator")
    each: Iterator[Compared] = workers(delayed(compare)(point) for point in points)
    return each


def compare(point: OperatingPoint) -> Compared:
    """One point, simulated."""
    try:
        setup = setup_of(point)
        predicted = predict(setup)
    except NotSimulated as reason:
        return Compared(point, {}, {}, str(reason))
    except (SimulatorError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        # a row says something that no source was known to say: it must not end the report
        return Compared(point, {}, {}, f"cannot be simulated as it stands: {error}")
    measured = {name: value for name, value in setup.measured.items() if name in predicted}
    if not measured:
        return Compared(point, predicted, {}, "the row has no figure that is simulated")
    return Compared(point, predicted, measured)


def setup_of(point: OperatingPoint) -> Setup:
    """The point as it is simulated.

    Raises
    ------
    NotSimulated
        With the reason, where that is impossible.
    """
    if point.source in REFUSED:
        raise NotSimulated(REFUSED[point.source])
    return SOURCES.get(point.source, other.setup)(point)
