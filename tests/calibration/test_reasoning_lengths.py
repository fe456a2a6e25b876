"""Lengths of models left out of the fit, and what the command makes of other tables."""

from __future__ import annotations

import json

import numpy as np
import pytest

from simulator.calibration.reasoning_lengths.__main__ import main, report_on
from simulator.calibration.reasoning_lengths.errors import errors_of, from_mean, from_mean_and_loops
from simulator.calibration.reasoning_lengths.fit import fit_law
from simulator.calibration.reasoning_lengths.likeness import close_by_likeness
from simulator.calibration.reasoning_lengths.limits import limits_of
from simulator.calibration.reasoning_lengths.responses import Cell, read_cells
from simulator.workload.lengths.reasoning import LengthLaw
from simulator.workload.lengths.reasoning_profiles import shipped_law


@pytest.fixture(scope="module")
def lengths(shared):
    return shared / "traces" / "reasoning-lengths"


@pytest.mark.slow
def test_models_left_out_are_predicted_from_their_means(lengths):
    report = report_on(lengths / "lineage_bench.csv")
    scores, told = report["scores"], report["scores_with_loops_told"]
    assert scores["models"] == 26
    assert scores["p50_within_15_percent"] >= 0.85
    assert scores["p90_within_15_percent"] >= 0.75
    assert scores["p99_median_error"] <= 0.18
    assert told["both_within_15_percent"] >= 0.75
    assert scores["both_within_15_percent"] >= 0.73
    assert scores["both_within_15_percent"] > report["limits"]["one_shape_in_hindsight"] - 0.02
    assert scores["both_within_15_percent"] >= report["limits"]["by_likeness"]


def test_the_shipped_law_is_the_one_that_the_data_give(lengths):
    fitted, shipped = fit_law(read_cells(lengths / "lineage_bench.csv")), shipped_law()
    assert shipped.spread == pytest.approx(fitted.spread, abs=0.01)
    assert shipped.slope == pytest.approx(fitted.slope, abs=0.02)
    assert shipped.runaway_share == pytest.approx(fitted.runaway_share, abs=0.002)


def test_responses_cut_without_a_mark_are_found_by_their_common_length(tmp_path):
    rows = ["model,difficulty,completion_tokens,finish_reason"]
    rows += [f"m,easy,{1000 + i},stop" for i in range(20)]
    rows += (
        ["m,hard,65535,stop"] * 4 + ["m,hard,9000,length"] + [f"m,hard,{5000 + i},stop" for i in range(15)]
    )
    file = tmp_path / "x.csv"
    file.write_text("\n".join(rows) + "\n")
    easy, hard = read_cells(file)
    assert (easy.at_cap, easy.cap) == (0, None)
    assert (hard.at_cap, hard.cap) == (5, 65535)
    assert hard.ended.max() == 5014


def test_short_answers_that_share_their_longest_length_by_chance_were_not_cut(tmp_path):
    short = [12, 15, 15, 18, 20, 20, 20]
    rows = [f"short,easy,{tokens},stop" for tokens in short] + ["loops,easy,32768,stop"] * 4
    rows += [f"far,easy,{tokens},stop" for tokens in (*short, 60, 60, 60)]
    file = tmp_path / "x.csv"
    file.write_text("model,difficulty,completion_tokens,finish_reason\n" + "\n".join(rows) + "\n")
    assert {cell.model: cell.at_cap for cell in read_cells(file)} == {"short": 0, "loops": 4, "far": 3}


def test_loops_that_are_told_are_no_part_of_the_spread():
    random = np.random.default_rng(1)
    tokens = np.concatenate([5000 * random.lognormal(0, 0.33, 400), np.full(100, 60_000.0)])
    cell = Cell("m", "hard", tokens, np.arange(500) >= 400)
    law = LengthLaw(0.33, 0.0, 0.0, 1.0)
    close, _ = errors_of(law, [cell], from_mean_and_loops)
    far, _ = errors_of(law, [cell], from_mean)
    assert abs(close[0].p50) < 0.1 and close[0].p90 == pytest.approx(0.0, abs=1e-3)
    assert far[0].p50 > 1.0


def test_a_cell_of_nothing_but_loops_is_no_error():
    cell = Cell("m", "hard", np.full(30, 32768.0), np.ones(30, bool))
    ((found,), _) = errors_of(LengthLaw(0.33, 0.0, 0.0, 1.0), [cell], from_mean_and_loops)
    assert found.p50 == found.p90 == 0.0


def test_where_the_law_is_exact_only_chance_is_left():
    law = LengthLaw(0.33, 0.0, 0.0, 1.0)
    random = np.random.default_rng(2)
    cells = [Cell("m", str(i), 5000 * random.lognormal(0, 0.33, 40), np.zeros(40, bool)) for i in range(60)]
    limits = limits_of(law, cells)
    close, _ = errors_of(law, cells, from_mean)
    both = np.mean([max(abs(cell.p50), abs(cell.p90)) <= 0.15 for cell in close])
    assert limits.law_exact == pytest.approx(both, abs=0.1)
    assert limits.one_shape_in_hindsight >= both


def cells_of_models(spread_of):
    """Ten models of four cells, level rising; how far lengths spread follows from the model's number."""
    random = np.random.default_rng(3)
    return [
        Cell(f"m{model}", str(size), mean * random.lognormal(0, spread_of(model), 400), np.zeros(400, bool))
        for model in range(10)
        for size, mean in enumerate(1000 * 1.5**model * np.array([1.0, 2.0, 3.0, 4.0]))
    ]


def test_where_means_tell_the_spread_cells_alike_find_it_and_one_shape_does_not():
    cells = cells_of_models(lambda model: 0.75 if model < 5 else 0.15)
    limits = limits_of(LengthLaw(0.33, 0.0, 0.0, 1.0), cells)
    assert limits.by_likeness >= 0.75
    assert limits.one_shape_in_hindsight <= 0.6


def test_where_means_tell_nothing_cells_alike_are_no_better_than_one_shape():
    cells = cells_of_models(lambda model: 0.75 if model % 2 else 0.15)
    limits = limits_of(LengthLaw(0.33, 0.0, 0.0, 1.0), cells)
    assert limits.by_likeness <= limits.one_shape_in_hindsight <= 0.6


def test_two_models_are_too_few_to_be_alike():
    assert close_by_likeness(cells_of_models(lambda model: 0.3)[:8]) is None


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
