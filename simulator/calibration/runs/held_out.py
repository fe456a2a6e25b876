"""How a run is simulated so that nothing was fitted to what is scored.

Runs that constants were fitted to are predicted with those that were fitted without their model (or, of a
machine that is known by fitted step times alone, without the run and its repeats); all other runs with what
ships. ``validation/held_out.yaml`` holds the former; `simulator.calibration.runs.serving_fit` and
`simulator.calibration.runs.machine_fit` print them anew.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from simulator.calibration.runs.measured import MeasuredRun
from simulator.calibration.runs.simulated import DEFAULT, Serving, ServingConstants
from simulator.latency.fitted import FittedBackend, read_fitted
from simulator.units.data_files import data_folder
from simulator.units.explain import validate
from simulator.units.yaml_file import read_mapping

FILE = "held_out.yaml"


class _Constants(BaseModel):
    """One set of constants that serving runs decide."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attention_factor: float
    layer_us: float
    request_s: float


class _Machine(BaseModel):
    """Step times fitted without the runs whose names match."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    without: str
    fit: FittedBackend


class HeldOut(BaseModel):
    """What was fitted without some of the runs.

    ``runs`` are the names (patterns) of those that `models` were fitted to; ``models`` holds the constants
    fitted without each model. ``links`` names runs that the exchange between their devices was fitted to, and
    the device whose measured exchange stands in.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    date: str
    runs: tuple[str, ...]
    models: dict[str, _Constants]
    links: dict[str, str] = Field(default_factory=dict)
    machines: tuple[_Machine, ...] = ()


@cache
def held_out() -> HeldOut:
    """The stored constants."""
    path = data_folder("validation") / FILE
    return validate(HeldOut, read_mapping(path), path)


def serving_for(run: MeasuredRun) -> Serving:
    """How ``run`` is simulated."""
    stored = held_out()
    machine = next((one for one in stored.machines if fnmatchcase(run.name, one.without)), None)
    if machine is not None:
        return Serving(fit=machine.fit, note="step times fitted to other runs of the machine and model")
    shipped = shipped_fit(run)
    if shipped is not None:
        return Serving(fit=shipped, note=f"step times fitted: {shipped.source}")
    if run.name in stored.links:
        link = stored.links[run.name]
        return Serving(link_of=link, note=f"exchange between devices as measured on {link}, not as fitted")
    fold = stored.models.get(run.model.id)
    if fold is None or not any(fnmatchcase(run.name, pattern) for pattern in stored.runs):
        return DEFAULT
    constants = ServingConstants(**fold.model_dump())
    return Serving(constants=constants, note=f"constants fitted without runs of {run.model.id}")


def shipped_fit(run: MeasuredRun) -> FittedBackend | None:
    """Step times that ship for the machine and model of a run, None where there are none."""
    path = fit_file(run.hardware.device, run.model.id)
    return read_fitted(path) if path.is_file() else None


def fit_file(device: str, model: str) -> Path:
    """Where fitted step times of a machine and model lie."""
    return data_folder("hardware_profiles") / "fitted" / f"{device}.{model}.yaml"
