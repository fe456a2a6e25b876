"""One input after the other from its low to its high end, all others in the middle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from simulator.errors import InputError, nearest
from simulator.planning.run_many import Backend, Done
from simulator.planning.sweep.point import Point, PointRecord, Settings, Source
from simulator.planning.sweep.ranges import NumberRange
from simulator.planning.sweep.sweep import sweep


@dataclass(frozen=True, slots=True)
class Swing:
    """A figure at both ends of one input, and with all inputs in the middle; None where it did not run."""

    key: str
    low: object
    high: object
    at_low: float | None
    at_high: float | None
    middle: float | None

    @property
    def width(self) -> float:
        """How far the figure moves between the ends."""
        if self.at_low is None or self.at_high is None:
            return 0.0
        return abs(self.at_high - self.at_low)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "swing": self.width}


def tornado(
    source: Source,
    ranges: Sequence[NumberRange],
    figure: str,
    seed: int,
    folder: Path,
    *,
    fixed: Settings = (),
    jobs: int | None = None,
    backend: Backend = "processes",
    progress: Done | None = None,
) -> list[Swing]:
    """The widest swing first.

    Parameters
    ----------
    fixed
        Keys and values that are set at all points.

    Raises
    ------
    InputError
        Where no point knows the figure.
    """
    middle = [0.5] * len(ranges)
    shares = [middle]
    for index in range(len(ranges)):
        for end in (0.0, 1.0):
            shares.append([end if place == index else share for place, share in enumerate(middle)])
    points = [point_at(ranges, one, seed, fixed) for one in shares]
    records = sweep(source, points, folder, jobs=jobs, backend=backend, progress=progress)
    values = [figure_of(record, figure) for record in records]
    check_known(records, figure)
    swings = [
        Swing(one.key, one.at(0.0), one.at(1.0), values[1 + 2 * index], values[2 + 2 * index], values[0])
        for index, one in enumerate(ranges)
    ]
    return sorted(swings, key=lambda swing: -swing.width)


def point_at(
    ranges: Sequence[NumberRange], shares: Sequence[float], seed: int, fixed: Settings = ()
) -> Point:
    """The point so far between the ends of every range [1], with what is fixed."""
    moved = ((one.key, one.at(float(share))) for one, share in zip(ranges, shares, strict=True))
    return Point((*fixed, *moved), seed)


def figure_of(record: PointRecord, figure: str) -> float | None:
    """A figure of a record as a number; None where it has none."""
    value = record.figures.get(figure)
    return float(value) if isinstance(value, int | float) else None


def check_known(records: Sequence[PointRecord], figure: str) -> None:
    """Refuse a figure that no record has; with the reason where none ran.

    Raises
    ------
    InputError
        Which names the nearest figure.
    """
    if any(figure_of(record, figure) is not None for record in records):
        return
    refused = next((record.reason for record in records if record.reason is not None), None)
    known = {key for record in records for key in record.figures}
    if refused is not None and not known:
        raise InputError(refused)
    raise InputError(f"no figure {figure!r} in the results{nearest(figure, known)}", file="--of")
