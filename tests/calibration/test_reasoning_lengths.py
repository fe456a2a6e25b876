"""Lengths of models left out of the fit, and what the command makes of other tables."""

from __future__ import annotations

import json

import numpy as np
import pytest

from simulator.calibration.reasoning_lengths.__main__ import main, report_on
from simulator.calibration.reasoning_lengths.fit import fit_law
from simulator.calibration.reasoning_lengths.responses import read_cells
from simulator.workload.lengths.reasoning_profiles import shipped_law


@pytest.fixture(scope="module")
def lengths(shared):
    return shared / "traces" / "reasoning-lengths"


@pytest.mark.slow
def test_models_left_out_are_predicted_from_their_means(lengths):
    scores = report_on(lengths / "lineage_bench.csv")["scores"]
    assert scores["models"] == 26
    assert scores["p50_within_15_percent"] >= 0.75
    assert scores["p90_within_15_percent"] >= 0.75
    assert scores["p99_median_error"] <= 0.25


def test_the_shipped_law_is_the_one_that_the_data_give(lengths):
    fitted, shipped = fit_law(read_cells(lengths / "lineage_bench.csv")), shipped_law()
    assert shipped.spread == pytest.approx(fitted.spread, abs=0.01)
    assert shipped.slope == pytest.approx(fitted.slope, abs=0.02)
    assert shipped.runaway_share == pytest.approx(fitted.runaway_share, abs=0.002)


def responses(path, models: int):
    random = np.random.default_rng(0)
    rows = ["model,difficulty,completion_tokens,finish_reason"]
    for model in range(models):
        for difficulty in ("easy", "hard"):
            mean = 1000 * (1 + model) * (3 if difficulty == "hard" else 1)
            rows += [f"m{model},{difficulty},{int(x)},stop" for x in mean * random.lognormal(0, 0.35, 60)]
    path.write_text("\n".join(rows) + "\n")


def test_a_table_of_few_models_is_predicted_with_the_shipped_law(tmp_path, capsys):
    responses(tmp_path / "other.csv", 2)
    assert main([str(tmp_path), "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)
    assert report["how"] == "shipped law"
    assert report["scores"]["cells"] == 4
    assert report["scores"]["p50_within_15_percent"] == 1.0


def test_a_folder_without_responses_is_refused_in_words(tmp_path, capsys):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    assert main([str(tmp_path)]) == 2
    assert "completion_tokens" in capsys.readouterr().err
