"""``simulator tool``: programs beside the commands, each also a ``python -m``."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any

import typer


@dataclass(frozen=True, slots=True)
class Tool:
    """A program: what ``python -m`` calls it (without the package), what it is given, what it does."""

    name: str
    given: str
    what: str


#: For planners first, then for whoever checks or fits the simulator itself.
TOOLS = {
    "traffic": Tool("calibration.traffic", "WORKLOAD TRACE", "a workload beside a trace"),
    "traffic-fit": Tool("calibration.traffic.fit", "TRACE", "a workload fitted to a trace, as YAML"),
    "prefix-hits": Tool("calibration.prefix_hits", "TRACE", "hits of prefix caches of several sizes"),
    "deepseek-day": Tool("planning.deepseek_day", "", "DeepSeek's published day beside a simulated one"),
    "reasoning-lengths": Tool("calibration.reasoning_lengths", "FOLDER", "lengths of models left out"),
    "voting": Tool("calibration.voting", "", "votes of 64 predicted from pass@1, models left out"),
    "speculation": Tool("calibration.speculation", "FILE", "published speed-ups beside predicted ones"),
    "disaggregation": Tool("calibration.points.disaggregation", "FILE...", "which of two designs wins"),
    "accuracy": Tool("calibration.accuracy", "SHARED", "writes validation/errors.yaml, docs/validation.md"),
    "kernels": Tool("calibration.kernels", "[FILE]", "products and power that were measured, and predicted"),
    "measure-kernels": Tool(
        "calibration.kernels.measure", "DEVICE FILE", "measures them on this machine's GPU"
    ),
    "operators": Tool("calibration.operators", "FOLDER", "constants of devices from operator tables"),
    "engine-fit": Tool("calibration.points.engine_fit", "FILE", "constants that whole engines show"),
    "drafts-fit": Tool(
        "calibration.points.drafts_fit", "FILE", "how often drafts of silicon points are right"
    ),
    "mlenergy-fit": Tool("calibration.points.mlenergy_fit", "FILE", "constants of vLLM 0.11, and of power"),
    "serving-fit": Tool("calibration.runs.serving_fit", "FOLDER", "constants that serving runs decide"),
    "machine-fit": Tool("calibration.runs.machine_fit", "FOLDER", "step times of machines from their runs"),
}


def tool(
    asked: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Which one; its own arguments follow.")] = None,
) -> None:
    """List the programs beside these commands, or run one of them."""
    if name is None:
        for title, one in TOOLS.items():
            typer.echo(f"  {f'{title} {one.given}':30}{one.what}")
        return
    from simulator.errors import InputError, nearest

    if name not in TOOLS:
        raise InputError(f"no tool {name!r}{nearest(name, TOOLS)}; `simulator tool` lists them")
    raise typer.Exit(_module(TOOLS[name]).main(asked.args))


def _module(tool: Tool) -> Any:
    """The module with the program's ``main``: itself, or in a package its ``__main__``."""
    module = import_module(f"simulator.{tool.name}")
    return import_module(f"{module.__name__}.__main__") if hasattr(module, "__path__") else module
