"""The figures that must hold: ``thresholds.yaml`` beside this file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("thresholds.yaml")


@dataclass(frozen=True, slots=True)
class Threshold:
    """Closed range in which a figure's median must lie, in the figure's unit.

    The ``aim`` is what the figure should be on an idle machine; it is shown and not held, for a shared
    machine's seconds are not the program's alone, and not every aim is reached.
    """

    at_least: float = -math.inf
    at_most: float = math.inf
    aim: float | None = None

    def holds(self, value: float) -> bool:
        return self.at_least <= value <= self.at_most

    def __str__(self) -> str:
        bounds = []
        if self.at_least > -math.inf:
            bounds.append(f"at least {self.at_least:g}")
        if self.at_most < math.inf:
            bounds.append(f"at most {self.at_most:g}")
        if self.aim is not None:
            bounds.append(f"aim {self.aim:g}")
        return ", ".join(bounds)


def load(file: Path = FILE) -> dict[str, Threshold]:
    """Thresholds by figure key."""
    import yaml

    return {key: Threshold(**bounds) for key, bounds in yaml.safe_load(file.read_text()).items()}


def broken(medians: Mapping[str, float], thresholds: Mapping[str, Threshold]) -> list[str]:
    """One line for every threshold that does not hold or whose figure was not measured."""
    lines = []
    for key, threshold in thresholds.items():
        if key not in medians:
            lines.append(f"{key} must be {threshold}, but no case measured it")
        elif not threshold.holds(medians[key]):
            lines.append(f"{key} is {medians[key]:.4g}, must be {threshold}")
    return lines
