"""The regression gate: medians over runs that must not grow beyond stored bounds.

``validation/thresholds.yaml`` holds the bounds by group and metric. A group of which fewer runs were given
than the bounds were set for is not judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt, RootModel

from simulator.calibration.runs.medians import OURS, summarise
from simulator.calibration.runs.validation import RunReport
from simulator.units.data_files import data_folder
from simulator.units.explain import validate
from simulator.units.yaml_file import read_mapping

FILE = "thresholds.yaml"


class _Bounds(BaseModel):
    """Bounds of one group [1], and how many runs it has where all are given."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, PositiveFloat]

    runs: PositiveInt


class _Groups(RootModel[dict[str, _Bounds]]):
    pass


@dataclass(frozen=True, slots=True)
class Verdict:
    """One bound: the median that was found, None where too few runs were given."""

    group: str
    metric: str
    bound: float
    found: float | None

    @property
    def holds(self) -> bool:
        """Whether the median is within the bound, or was not judged."""
        return self.found is None or self.found <= self.bound


def judge(reports: Sequence[RunReport]) -> list[Verdict]:
    """Every stored bound against the medians over these runs."""
    path = data_folder("validation") / FILE
    groups = validate(_Groups, read_mapping(path), path).root
    medians = {line.group: line.medians for line in summarise(reports) if line.simulator == OURS}
    verdicts = []
    for group, bounds in groups.items():
        for metric, bound in bounds.__pydantic_extra__.items():
            median = medians.get(group, {}).get(metric)
            judged = median is not None and median.runs >= bounds.runs
            verdicts.append(Verdict(group, metric, bound, median.error if judged and median else None))
    return verdicts
