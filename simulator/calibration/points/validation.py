"""Predicted against measured for whole files of operating points."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from simulator.calibration.points.point import OperatingPoint, read_points
from simulator.calibration.points.prediction import predict
from simulator.calibration.points.setup import NotSimulated, Setup
from simulator.calibration.points.sources import argonne, kubecon, mlenergy, silicon, splitwise

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


def validate_points(files: Iterable[Path | str], progress: Callable[[int], None] | None = None) -> list[Row]:
    """Simulate every point of these files and set it beside its measured figures.

    Every point gives a row for each figure that both sides have, or one with the reason why there is none.
    ``progress`` is told how many points are done.

    Raises
    ------
    InputError
        Where a file is missing or is no table of points.
    """
    rows: list[Row] = []
    done = 0
    for file in files:
        for point in read_points(Path(file)):
            rows += compare(point)
            done += 1
            if progress is not None:
                progress(done)
    return rows


def compare(point: OperatingPoint) -> list[Row]:
    """The rows of one point."""
    try:
        setup = setup_of(point)
        predicted = predict(setup)
    except NotSimulated as reason:
        return [{"point": point.point_id, "reason": str(reason)}]
    rows = [
        {"point": point.point_id, "metric": name, "predicted": predicted[name], "measured": value}
        for name, value in setup.measured.items()
        if name in predicted
    ]
    return rows or [{"point": point.point_id, "reason": "the row has no figure that is simulated"}]


def setup_of(point: OperatingPoint) -> Setup:
    """The point as it is simulated.

    Raises
    ------
    NotSimulated
        With the reason, where that is impossible.
    """
    if point.source in REFUSED:
        raise NotSimulated(REFUSED[point.source])
    source = SOURCES.get(point.source)
    if source is None:
        raise NotSimulated(f"no conventions are known for source {point.source!r}")
    return source(point)
