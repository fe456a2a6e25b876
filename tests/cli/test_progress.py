"""The progress bar appears only on runs that take a while, and only where somebody looks."""

from __future__ import annotations

import pytest

from simulator.cli import progress
from simulator.cli.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_short_run_shows_nothing(clock, capsys):
    with Progress(visible=True) as bar:
        clock[0] += 1.9
        bar(10**9, 0.5)
    assert capsys.readouterr().err == ""


def test_a_long_run_shows_simulated_time_and_rate(clock, capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with Progress(visible=True) as bar:
        clock[0] += 4.0
        bar(120 * 10**9, 0.5)
    shown = capsys.readouterr().err
    assert "simulated 2:00 min" in shown
    assert "30 times real time" in shown


def test_nobody_looking_nothing_is_drawn(clock, capsys):
    with Progress(visible=False) as bar:
        clock[0] += 10.0
        bar(10**9, 0.5)
    assert capsys.readouterr().err == ""
