"""The benchmark harness: one process per measurement, medians, thresholds."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import runner, thresholds
from benchmarks.cases import CASES
from benchmarks.figures import Case, Figures, Sample
from benchmarks.thresholds import Threshold
from benchmarks.timeouts import timeout_cost_s


def measured_elsewhere() -> Figures:
    raise AssertionError("only the process of the case measures")


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Programs that stand in for the processes of a case, one after the other."""
    programs: list[str] = []
    real = runner.subprocess.run

    def run(arguments: list[str], **options: object) -> object:
        return real([arguments[0], "-c", programs.pop(0)], **options)  # type: ignore[call-overload]

    monkeypatch.setattr(runner.subprocess, "run", run)
    return programs


def test_every_case_has_a_name_of_its_own() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)


def test_the_wait_before_a_simulation_is_measured() -> None:
    assert {"start.import", "start.help"} <= {case.name for case in CASES}


def test_each_repeat_runs_in_a_process_of_its_own(answers: list[str]) -> None:
    answers += ["import os; print('{\"x.pid\": %d}' % os.getpid())"] * 3
    (sample,) = runner.run(Case("x.pid", measured_elsewhere, repeats=3))
    assert len(set(sample.values)) == 3
    assert os.getpid() not in sample.values


def test_the_median_is_what_counts() -> None:
    assert Sample("x", (9.0, 1.0, 2.0)).median == 2.0


def test_a_case_that_fails_says_why(answers: list[str]) -> None:
    answers += ["raise SystemExit('no such device')"]
    with pytest.raises(runner.CaseFailedError, match=r"x\.case failed:\nno such device"):
        runner.run(Case("x.case", measured_elsewhere))


def test_a_case_that_prints_no_figures_is_named(answers: list[str]) -> None:
    answers += ["print('hello')"]
    with pytest.raises(runner.CaseFailedError, match="printed no figures, but: 'hello"):
        runner.run(Case("x.case", measured_elsewhere))


def test_a_case_that_hangs_is_ended(answers: list[str]) -> None:
    answers += ["import time; time.sleep(60)"]
    with pytest.raises(runner.CaseFailedError, match=r"past its limit of 0\.2 s"):
        runner.run(Case("x.case", measured_elsewhere, timeout_s=0.2))


def test_json_holds_the_medians_under_flat_keys(
    answers: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers += [f"print('{{\"x.cost_s\": {cost}}}')" for cost in (3, 1, 2)]
    monkeypatch.setattr(command, "CASES", (Case("x.cost", measured_elsewhere, repeats=3),))
    file = tmp_path / "new" / "figures.json"
    assert command.main(["--json", str(file)]) == 0
    assert json.loads(file.read_text())["x.cost_s"] == 2


def test_a_broken_threshold_is_a_no(
    answers: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers += ["print('{\"x.cost_s\": 3}')"]
    monkeypatch.setattr(command, "CASES", (Case("x.cost", measured_elsewhere, repeats=1),))
    monkeypatch.setattr(thresholds, "load", lambda: {"x.cost_s": Threshold(at_most=2)})
    assert command.main(["--check"]) == 1
    assert "x.cost_s is 3, must be at most 2" in capsys.readouterr().err


def test_a_name_that_no_case_has_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        command.main(["--only", "strat"])
    assert refused.value.code == 2
    assert "no case 'strat'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("threshold", "value", "holds"),
    [
        (Threshold(at_most=60), 60.0, True),
        (Threshold(at_most=60), 60.1, False),
        (Threshold(at_least=12, at_most=25), 11.9, False),
        (Threshold(at_most=60), math.nan, False),
    ],
)
def test_thresholds_are_closed_ranges(threshold: Threshold, value: float, holds: bool) -> None:
    assert threshold.holds(value) == holds


def test_a_threshold_without_its_figure_is_broken() -> None:
    assert thresholds.broken({}, {"x": Threshold(at_most=1)}) == [
        "x must be at most 1, but no case measured it"
    ]


def test_an_aim_is_shown_and_not_held() -> None:
    threshold = Threshold(at_most=3, aim=1)
    assert thresholds.broken({"x": 2.0}, {"x": threshold}) == []
    assert str(threshold) == "at most 3, aim 1"


def test_every_group_of_aims_has_a_ratio_that_is_held() -> None:
    limits = thresholds.load()
    groups = {key.split(".")[0] for key, limit in limits.items() if limit.aim is not None}
    held = {key.split(".")[0] for key, limit in limits.items() if "timeout" in key and limit.at_most < 1e9}
    assert groups <= held


def test_every_shipped_threshold_bounds_its_figure() -> None:
    assert all(str(threshold) for threshold in thresholds.load().values())


def test_a_bare_timeout_costs_between_a_tenth_and_a_hundred_microseconds() -> None:
    assert 1e-7 < timeout_cost_s(timeouts=20_000, repeats=2) < 1e-4
