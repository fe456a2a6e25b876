"""``simulator demo`` answers both of its questions in one report."""

from __future__ import annotations

import pytest

from simulator.cli.main import main
from simulator.simulation import demo


@pytest.fixture
def few_requests(monkeypatch):
    """The demo's scenarios with little traffic."""
    load = demo.load_scenario
    monkeypatch.setattr(demo, "load_scenario", lambda name: load(name, {"requests": 50, "warmup": "0 s"}))


def test_it_compares_a_real_run_and_four_machines(few_requests, tmp_path, capsys):
    assert main(["demo", "--out", str(tmp_path / "demo")]) == 0
    printed = capsys.readouterr().out
    assert "measured: vllm-cpu-chat" in printed
    report = (tmp_path / "demo" / "report.html").read_text(encoding="utf-8")
    for machine in demo.MACHINES.values():
        assert machine in report
    assert "measured: vllm-cpu-chat" in report
    assert printed.rstrip().endswith("report.html")
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["report.html"]


def test_an_output_folder_that_is_a_file_is_refused_before_the_work(tmp_path, capsys):
    (tmp_path / "demo").write_text("in the way")
    assert main(["demo", "--out", str(tmp_path / "demo")]) == 2
    assert "in the way" in capsys.readouterr().err
