"""A question of sensitivity: which inputs are moved how far, and what figure is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from simulator.errors import InputError, nearest
from simulator.planning.designs import changed
from simulator.planning.run_many import Backend, Done
from simulator.planning.sweep.point import Point, PointRecord, Settings, Source, single_figures
from simulator.planning.sweep.ranges import NumberRange
from simulator.planning.sweep.sweep import sweep
from simulator.scenario.loading import load_scenario
from simulator.simulation import run_scenario

#: Requests of the run that tells what the figures are called.
_FEW_REQUESTS = 10


@dataclass(frozen=True, slots=True)
class Question:
    """How a figure of a scenario depends on inputs.

    Attributes
    ----------
    figure
        Key of the summary.
    seed
        Of all simulations.
    fixed
        Keys and values that are set at all points.
    """

    source: Source
    ranges: tuple[NumberRange, ...]
    figure: str
    seed: int
    fixed: Settings = ()

    def check_figure(self) -> None:
        """Refuse a figure that no result has, before anything is asked for or written.

        The names of figures are learned from a few requests with all inputs in the middle. Where these cannot
        run, the points will say why.

        Raises
        ------
        InputError
            With the nearest name.
        """
        middle = load_scenario(self.source, dict(self._point([0.5] * len(self.ranges)).settings))
        few = changed(middle, requests=_FEW_REQUESTS, duration=None, warmup=0.0)
        try:
            figures = single_figures(run_scenario(few, seed=self.seed))
        except InputError:
            return
        # A figure that so few requests leave unknown (None) may have a value at the points.
        known = [key for key, value in figures.items() if not isinstance(value, str)]
        if self.figure not in known:
            raise self._unknown(known)

    def answered(
        self,
        shares: Iterable[Sequence[float]],
        folder: Path,
        *,
        jobs: int | None = None,
        backend: Backend = "processes",
        progress: Done | None = None,
    ) -> list[PointRecord]:
        """The records of points so far between the ends of every range [1], in their order.

        Raises
        ------
        InputError
            Where no point knows the figure.
        """
        points = [self._point(one) for one in shares]
        records = sweep(self.source, points, folder, jobs=jobs, backend=backend, progress=progress)
        self._check_known(records)
        return records

    def value(self, record: PointRecord) -> float | None:
        """The figure of a record as a number; None where it has none."""
        value = record.figures.get(self.figure)
        return float(value) if isinstance(value, int | float) else None

    def _point(self, shares: Sequence[float]) -> Point:
        moved = ((one.key, one.at(float(share))) for one, share in zip(self.ranges, shares, strict=True))
        return Point((*self.fixed, *moved), self.seed)

    def _check_known(self, records: Sequence[PointRecord]) -> None:
        """Refuse a figure that no record has; with the reason where none ran."""
        if any(self.value(record) is not None for record in records):
            return
        refused = next((record.reason for record in records if record.reason is not None), None)
        known = {key for record in records for key in record.figures}
        if refused is not None and not known:
            raise InputError(refused)
        raise self._unknown(known)

    def _unknown(self, known: Iterable[str]) -> InputError:
        hint = nearest(self.figure, known)
        return InputError(f"no figure {self.figure!r} in the results{hint}", file="--of")
