"""Runs the points that the journal lacks, and gives all of them back in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from simulator.errors import InputError
from simulator.planning.run_many import Backend, Done, WorkersLostError, as_done
from simulator.planning.sweep.journal import Journal
from simulator.planning.sweep.point import Point, PointRecord, Source, digest, run_point
from simulator.scenario.loading import scenario_content

#: Times that workers may be lost in a row without a point finished in between.
PATIENCE = 3


def sweep(
    source: Source,
    points: Sequence[Point],
    folder: Path,
    *,
    jobs: int | None = None,
    backend: Backend = "processes",
    progress: Done | None = None,
) -> list[PointRecord]:
    """The records of all points, in their order.

    Points that the folder's journal holds are not run again; the others are, and every one is in the journal
    as soon as it is finished. Where a worker is lost (killed, out of memory), what it worked on is run again.

    Raises
    ------
    InputError
        Where another sweep writes to the folder, or workers are lost again and again.
    """
    base = digest(scenario_content(source))
    run = partial(run_point, source, base)
    with Journal(folder) as journal:
        lost = 0
        while missing := [point for point in points if point.identity(base) not in journal]:
            before = len(missing)
            if progress is not None:
                progress(len(points) - before, len(points))
            try:
                for done, record in enumerate(_records(run, missing, jobs, backend), start=1):
                    journal.add(record)
                    lost = 0
                    if progress is not None:
                        progress(len(points) - before + done, len(points))
            except WorkersLostError as error:
                lost += 1
                if lost >= PATIENCE:
                    raise InputError(
                        f"workers were lost {lost} times without a point finished ({error});"
                        " try fewer at once with --jobs"
                    ) from None
        return [journal[point.identity(base)] for point in points]


def _records(
    run: Callable[[Point], PointRecord], points: Sequence[Point], jobs: int | None, backend: Backend
) -> Iterator[PointRecord]:
    """Records in the order in which they are finished."""
    yield from as_done(run, points, jobs=jobs, backend=backend)
