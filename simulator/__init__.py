"""A discrete-event simulator of LLM inference clusters and the hardware under them.

    import simulator

    result = simulator.run("azure-conv-h100")
    result.summary.to_dict()["p99_ttft_ms"]

Everything here loads when it is first used; ``import simulator`` itself loads nothing.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.errors import DoesNotFitError, InputError, SimulatorError
    from simulator.hardware.catalogue import device_names, load_device
    from simulator.models.catalogue import load_model, model_names
    from simulator.results.files import read_result, write_result
    from simulator.results.result import Result
    from simulator.scenario.loading import load_scenario
    from simulator.scenario.scenario import Scenario
    from simulator.workload import load_workload, workload_names

__version__ = "0.1.0"

#: Where each public name lives.
_HOMES = {
    "Result": "simulator.results.result",
    "read_result": "simulator.results.files",
    "write_result": "simulator.results.files",
    "load_scenario": "simulator.scenario.loading",
    "Scenario": "simulator.scenario.scenario",
    "load_device": "simulator.hardware.catalogue",
    "device_names": "simulator.hardware.catalogue",
    "load_model": "simulator.models.catalogue",
    "model_names": "simulator.models.catalogue",
    "load_workload": "simulator.workload",
    "workload_names": "simulator.workload",
    "SimulatorError": "simulator.errors",
    "InputError": "simulator.errors",
    "DoesNotFitError": "simulator.errors",
}

__all__ = [
    "DoesNotFitError",
    "InputError",
    "Result",
    "Scenario",
    "SimulatorError",
    "device_names",
    "load_device",
    "load_model",
    "load_scenario",
    "load_workload",
    "model_names",
    "read_result",
    "run",
    "workload_names",
    "write_result",
]


def run(
    scenario: str | Path | Mapping[str, Any] | Scenario,
    seed: int | None = None,
    overrides: Iterable[str] | Mapping[str, Any] = (),
    progress: Callable[..., None] | None = None,
) -> Result:
    """Simulate a scenario.

    Parameters
    ----------
    scenario
        Path of a YAML file, name of a shipped scenario, a mapping, or a loaded `Scenario`.
    seed
        Instead of the scenario's own.
    overrides
        Values to replace: ``{"cluster.pools[0].replicas": 8}`` or ``["cluster.pools[0].replicas=8"]``.
    progress
        Called now and then with the simulated time [ns] and the share of the work that is done.

    Raises
    ------
    InputError
        Where the scenario is wrong or the model does not fit; the message says what is allowed.
    """
    from simulator.errors import InputError
    from simulator.scenario.loading import load_scenario
    from simulator.scenario.scenario import Scenario
    from simulator.simulation import run_scenario

    if not isinstance(scenario, Scenario):
        asked = load_scenario(scenario, overrides)
    elif not overrides:
        asked = scenario
    else:
        raise TypeError("overrides go to load_scenario; this scenario is loaded already")
    asked = asked.with_seed(seed)
    try:
        return run_scenario(asked, progress=progress)
    except InputError as error:
        if error.file is not None or asked.file is None:
            raise
        raise type(error)(error.message, file=asked.file, key=error.key) from None


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'simulator' has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
