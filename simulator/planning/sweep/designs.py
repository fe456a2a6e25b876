"""Points that differ only in the seed, taken together, with intervals over the seeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.planning.intervals import half_width
from simulator.planning.sweep.point import PointRecord, digest


@dataclass(frozen=True, slots=True)
class Design:
    """One combination of settings under all its seeds.

    ``records`` are those that ran; ``reason`` says why there is none.
    """

    settings: dict[str, Any]
    records: tuple[PointRecord, ...]
    reason: str | None = None

    def mean(self, key: str) -> float | None:
        """Mean of a figure over the seeds; None where a seed does not know it."""
        values = self._values(key)
        return None if values is None else float(np.mean(values))

    def half_width(self, key: str) -> float | None:
        """Half of the 95 % interval of that mean over the seeds; None with fewer than two seeds."""
        values = self._values(key)
        return None if values is None else half_width(values)

    def figures(self) -> dict[str, Any]:
        """All figures: means of numbers, and what else all seeds agree on."""
        if not self.records:
            return {}
        found: dict[str, Any] = {}
        for key, value in self.records[0].figures.items():
            if isinstance(value, bool):
                found[key] = all(record.figures.get(key) for record in self.records)
            elif isinstance(value, int | float) or value is None:
                found[key] = self.mean(key)
            elif all(record.figures.get(key) == value for record in self.records):
                found[key] = value
        return found

    def _values(self, key: str) -> list[float] | None:
        values = [record.figures.get(key) for record in self.records]
        numbers = [float(value) for value in values if isinstance(value, int | float)]
        return numbers if numbers and len(numbers) == len(values) else None


def designs_of(records: Iterable[PointRecord]) -> list[Design]:
    """The designs among the records of a sweep, in order."""
    groups: dict[str, list[PointRecord]] = {}
    for record in records:
        groups.setdefault(digest(record.settings), []).append(record)
    return [_design(group) for group in groups.values()]


def _design(group: Sequence[PointRecord]) -> Design:
    ran = tuple(record for record in group if record.reason is None)
    reason = None if ran else group[0].reason
    return Design(group[0].settings, ran, reason)
