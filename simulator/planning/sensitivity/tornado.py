"""One input after the other from its low to its high end, all others in the middle."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from simulator.planning.run_many import Backend, Done
from simulator.planning.sensitivity.question import Question


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
    question: Question,
    folder: Path,
    *,
    jobs: int | None = None,
    backend: Backend = "processes",
    progress: Done | None = None,
) -> list[Swing]:
    """The widest swing first.

    Raises
    ------
    InputError
        Where no point knows the figure.
    """
    middle = [0.5] * len(question.ranges)
    shares = [middle]
    for index in range(len(middle)):
        for end in (0.0, 1.0):
            shares.append([end if place == index else share for place, share in enumerate(middle)])
    records = question.answered(shares, folder, jobs=jobs, backend=backend, progress=progress)
    values = [question.value(record) for record in records]
    swings = [
        Swing(one.key, one.at(0.0), one.at(1.0), values[1 + 2 * index], values[2 + 2 * index], values[0])
        for index, one in enumerate(question.ranges)
    ]
    return sorted(swings, key=lambda swing: -swing.width)
