"""Tasks in tables, files and figures of a result."""

from __future__ import annotations

import pytest

from simulator.errors import InputError
from simulator.reporting.figures import figures_of
from simulator.reporting.html import write_report
from simulator.reporting.service_tables import task_tables
from simulator.results.files import read_result, write_result
from simulator.scenario.loading import load_scenario
from simulator.simulation import run_scenario
from tests.simulation.scenarios import SMALL

CASE = {
    **SMALL,
    "requests": 12,
    "reasoning": {
        "strategy": {"kind": "majority_vote", "samples": 3},
        "quality": {"pass_at_1": 0.6, "source": "a test"},
    },
}


@pytest.fixture(scope="module")
def result():
    return run_scenario(load_scenario(CASE))


def test_tasks_are_a_figure_and_a_table_of_their_own(result):
    assert sum(len(trace.x) for trace in figures_of(result)["tasks"].data) == 12
    (table,) = task_tables(result)
    assert table.title == "Tasks (majority vote)"
    assert dict(table.rows)["Calls per task"] == "3.00"
    assert "a test" in table.note


def test_a_saved_result_has_its_tasks_again(result, tmp_path):
    folder = write_result(result, tmp_path / "out", also=[write_report])
    again = read_result(folder)
    assert again.summary.to_dict() == result.summary.to_dict()
    assert again.tasks.equals(result.tasks)
    assert again.requests["task"].tolist() == result.requests["task"].tolist()
    assert "Tasks (majority vote)" in (folder / "report.html").read_text()


def test_without_a_strategy_there_are_none():
    plain = run_scenario(load_scenario({**SMALL, "requests": 5}))
    assert "tasks" not in figures_of(plain) and task_tables(plain) == ()
    assert "task" not in plain.requests
    with pytest.raises(InputError, match="no strategy ran"):
        _ = plain.tasks
