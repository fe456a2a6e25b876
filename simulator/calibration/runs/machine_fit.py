"""Step times of machines that are known by measured runs alone, with each run left out in turn.

Runs of one machine and model whose engine noted every iteration are joined and fitted
(`simulator.calibration.fitting`), context that decodes share counted once: a processor reads a shared
prefix from its caches. Repeats of one load are left out together; runs during which other programs held the
machine up (wall time over CPU time) are predicted, and learnt from only where nothing else is left.

`python -m simulator.calibration.runs.machine_fit FOLDER` writes ``hardware_profiles/fitted/*.yaml`` and the
section ``machines`` of ``validation/held_out.yaml``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.calibration.fitting.shared_context import count_shared_once
from simulator.calibration.fitting.steps import fit_steps, joined, read_steps
from simulator.calibration.measured_steps import is_measured_run, read_measured_steps
from simulator.calibration.runs.held_out import FILE, fit_file
from simulator.calibration.runs.measured import MeasuredRun, measured_on, read_run, runs_at
from simulator.errors import program
from simulator.latency.fitted import FittedBackend
from simulator.latency.pricer import StepColumns
from simulator.units.data_files import data_folder

#: Wall time over CPU time from which on a run was held up by other programs [1].
HELD_UP = 1.2
_DATE = "2026-11-27"


@dataclass(frozen=True, slots=True)
class NotedRun:
    """A run with its steps. ``load`` is the same for repeats of one load."""

    run: MeasuredRun
    steps: StepColumns

    @property
    def load(self) -> str:
        """The name without what tells repeats apart: ``vllm-cpu-s02`` of ``vllm-cpu-s02b-...``."""
        found = re.match(r"(.*?-s\d+)", self.run.name)
        return found.group(1) if found else self.run.name

    @property
    def held_up(self) -> bool:
        """Whether other programs were in the way."""
        return (self.run.wall_over_cpu or 1.0) > HELD_UP


def noted_runs(folder: Path) -> list[NotedRun]:
    """Runs of a folder that noted their iterations and can be replayed."""
    return [_noted(read_run(place)) for place in runs_at([folder]) if is_measured_run(place)]


def _noted(run: MeasuredRun) -> NotedRun:
    assert run.iterations_file is not None
    steps = read_steps(run.iterations_file)
    if run.engine.settings.get("enable_prefix_caching"):
        steps = count_shared_once(read_measured_steps(run.folder), steps)
    return NotedRun(run, steps)


def machines(runs: Sequence[NotedRun]) -> Iterator[list[NotedRun]]:
    """Runs by machine and model."""
    for key in dict.fromkeys((one.run.hardware.device, one.run.model.id) for one in runs):
        yield [one for one in runs if (one.run.hardware.device, one.run.model.id) == key]


def fit_machine(runs: Sequence[NotedRun], error: str = "unknown") -> FittedBackend:
    """Step times fitted to these runs."""
    usable = [one for one in runs if not one.held_up] or list(runs)
    first = usable[0].run
    names = ", ".join(one.run.name for one in usable)
    return fit_steps(joined([one.steps for one in usable])).backend(
        name=f"{first.model.id} on {first.hardware.device}",
        source=f"iterations of {names} ({first.engine.name} {first.engine.version})",
        date=_DATE,
        error=error,
        measured_on=measured_on(first),
        shared_context="once",
    )


def leave_loads_out(runs: Sequence[NotedRun]) -> Iterator[tuple[str, FittedBackend]]:
    """Each load, and step times fitted to the others."""
    for load in dict.fromkeys(one.load for one in runs):
        others = [one for one in runs if one.load != load]
        if others:
            yield load, fit_machine(others)


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Fit all machines of a folder; write their files and the section of the held-out ones."""
    import argparse

    import yaml

    parser = argparse.ArgumentParser(prog="simulator tool machine-fit")
    parser.add_argument("folder", type=Path, help="folder of measured runs")
    folder = parser.parse_args(arguments).folder
    held: list[dict[str, Any]] = []
    for machine in machines(noted_runs(folder)):
        first = machine[0].run
        target = fit_file(first.hardware.device, first.model.id)
        target.parent.mkdir(exist_ok=True)
        fit = fit_machine(machine, error="simulator validate, with the run itself left out")
        target.write_text(_yaml(_plain(fit)), encoding="utf-8")
        held += [{"without": f"{load}*", "fit": _plain(fit)} for load, fit in leave_loads_out(machine)]
    path = data_folder("validation") / FILE
    stored = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(_yaml(stored | {"machines": held}), encoding="utf-8")
    return 0


def _plain(fit: FittedBackend) -> dict[str, Any]:
    return {
        "format": fit.format,
        **fit.model_dump(mode="json", exclude_defaults=True),
        "knots_ms": dict(fit.knots_ms),
    }


def _yaml(content: Any) -> str:
    import yaml

    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)
    return text


if __name__ == "__main__":
    sys.exit(main())
