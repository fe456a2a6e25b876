"""How far predictions were off where they could be compared with measurements: the shipped error figures.

``validation/errors.yaml`` holds, per device, class of model, load and kind of data, the median and the 90th
percentile of the absolute error of each metric. Written by `simulator.calibration.accuracy`; figures only,
no measured rows.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from simulator.units.data_files import data_folder
from simulator.units.explain import validate
from simulator.units.yaml_file import read_mapping

FOLDER, FILE = "validation", "errors.yaml"
FORMAT: Literal["validation-errors/1"] = "validation-errors/1"

ModelClass = Literal["dense", "MoE"]
#: Requests in flight at one replica: up to 8, up to 64, more; or more than it could serve.
LoadClass = Literal["light", "medium", "heavy", "overloaded"]
#: Whole serving runs, steady operating points, figures that vendors and reviewers published.
Kind = Literal["runs", "points", "public figures"]

#: What is compared, in the order in which it is shown.
METRICS = {
    "ttft_mean": "TTFT",
    "ttft_p99": "TTFT p99",
    "tpot_mean": "TPOT",
    "e2e_mean": "E2E",
    "e2e_p99": "E2E p99",
    "output_throughput": "throughput",
    "total_token_throughput": "throughput, prompts included",
    "power": "power",
    "wall_power": "power at the wall",
    "energy_per_output_token": "J per output token",
}
LIGHT, MEDIUM = 8, 64


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Spread(_Part):
    """Absolute relative errors [1] of one metric over ``count`` comparisons."""

    median: float
    p90: float
    count: int


class ErrorGroup(_Part):
    """Comparisons on one device, class of model and load, with the data of one source.

    ``in_flight`` is the range of requests in flight at one replica.
    """

    device: str
    model_class: ModelClass
    load: LoadClass
    kind: Kind
    in_flight: tuple[float, float]
    models: tuple[str, ...]
    source: str
    errors: dict[str, Spread]


class Protocol(_Part):
    """Errors on data that were left out of a fit, family by family.

    ``what`` says what was left out in turn, ``targets`` what is asked for [1], ``unit`` which data it is of.
    """

    unit: str
    title: str
    what: str
    errors: dict[str, Spread]
    targets: dict[str, float] = {}
    note: str = ""


class Accuracy(_Part):
    """All error figures."""

    format: Literal["validation-errors/1"]
    date: str
    not_simulated: dict[str, dict[str, int]] = {}
    protocols: tuple[Protocol, ...] = ()
    groups: tuple[ErrorGroup, ...] = ()


def load_class(in_flight: float) -> LoadClass:
    """The class of a load by the requests in flight at one replica."""
    if in_flight <= LIGHT:
        return "light"
    return "medium" if in_flight <= MEDIUM else "heavy"


def read_accuracy(file: Path) -> Accuracy:
    """Error figures from a file.

    Raises
    ------
    InputError
        Where it is missing or not in the format.
    """
    return validate(Accuracy, read_mapping(file, "error figures"), file)


@cache
def shipped_accuracy() -> Accuracy:
    """The error figures that ship with the simulator."""
    return read_accuracy(data_folder(FOLDER) / FILE)
