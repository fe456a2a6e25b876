"""``simulator why`` at the command line."""

from __future__ import annotations

import json

from simulator.cli.main import main

FEW = ("--set", "requests=150", "--jobs", "1")


def test_reasons_are_shown_and_printed_as_json(capsys):
    assert main(["why", "hardware-bakeoff", *FEW, "--no-changes"]) == 0
    assert "Where the time goes" in capsys.readouterr().out
    assert main(["why", "hardware-bakeoff", *FEW, "--no-changes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bottleneck"]["phase"] == "decode"


def test_without_a_rate_there_are_reasons_but_no_changes(capsys):
    assert main(["why", "closed-loop-batch", *FEW]) == 0
    assert "arrivals with a rate" in capsys.readouterr().out
