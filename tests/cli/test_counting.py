"""How far many simulations are: said on stderr, as a bar or now and then in a line."""

from __future__ import annotations

import pytest

from simulator.cli import counting
from simulator.cli.counting import Counting


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(counting.time, "monotonic", lambda: now[0])
    return now


def test_without_a_terminal_a_line_comes_at_most_every_ten_seconds(clock, capsys):
    with Counting("devices", terminal=False) as progress:
        for done, seconds in enumerate((4.0, 7.0, 3.0, 60.0), start=1):
            clock[0] += seconds
            progress(done, 4)
    out, err = capsys.readouterr()
    assert err.splitlines() == ["devices: 2 of 4 after 11 s", "devices: 4 of 4 after 74 s"]
    assert out == ""


def test_on_a_terminal_a_bar_counts(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with Counting("devices", terminal=True) as progress:
        progress(1, 4)
    assert "1/4" in capsys.readouterr().err
