"""The command that prints votes predicted from pass@1."""

from __future__ import annotations

import json

from simulator.calibration.voting import main


def test_all_nine_errors_are_printed_and_their_median_is_at_most_five_points(capsys):
    assert main(["--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["voting"]["models"]) == 9
    assert found["voting"]["median_error_points"] <= 5.0
    assert "not a prediction" in found["coverage"]["label"]


def test_the_text_names_every_model(capsys):
    main([])
    text = capsys.readouterr().out
    assert text.count("points\n") == 9
    assert "median error" in text
