"""What a benchmark case is and what it yields."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

#: Measured values by flat key; the unit ends the key (``start.import_s``).
Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to measure.

    Attributes
    ----------
    name
        What ``--only`` takes, ``group.thing``.
    measure
        Measures once, in a process that does nothing else, and returns the figures.
    repeats
        Processes to measure in.
    timeout_s
        Limit of one such process [s].
    """

    name: str
    measure: Callable[[], Figures]
    repeats: int = 5
    timeout_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One figure over all repeats of its case."""

    key: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)
