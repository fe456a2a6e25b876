"""Step times of a machine that is known by its runs alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from simulator.calibration.runs.machine_fit import NotedRun, fit_machine, leave_loads_out, noted_runs
from simulator.calibration.runs.simulated import Serving
from simulator.calibration.runs.validation import report_on

OWN = Path(__file__).resolve().parents[3] / "workloads" / "vllm-cpu-chat"


@pytest.fixture(scope="module")
def noted() -> NotedRun:
    (run,) = noted_runs(OWN)
    return run


def named(run: NotedRun, name: str, **changes: object) -> NotedRun:
    return replace(run, run=run.run.model_copy(update={"name": name, **changes}))


def test_repeats_of_a_load_are_left_out_together(noted: NotedRun) -> None:
    runs = [named(noted, f"vllm-cpu-{name}") for name in ("s01-a", "s02-b", "s02b-b-again")]
    left_out = dict(leave_loads_out(runs))
    assert set(left_out) == {"vllm-cpu-s01", "vllm-cpu-s02"}
    assert "s02" not in left_out["vllm-cpu-s02"].source


def test_runs_that_were_held_up_are_learnt_from_only_where_nothing_else_is_left(noted: NotedRun) -> None:
    held_up = named(noted, "slow-s01", wall_over_cpu=1.5)
    assert "slow-s01" not in fit_machine([noted, held_up]).source
    assert "slow-s01" in fit_machine([held_up]).source


def test_a_fit_to_a_run_gives_its_latencies_back(noted: NotedRun) -> None:
    report = report_on(noted.run, lambda _: Serving(fit=fit_machine([noted])))
    error = report.error("e2e_mean_s")
    assert error is not None and abs(error) < 0.03
