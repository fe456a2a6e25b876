"""``simulator validate`` sets measured runs, points and public figures beside what is simulated."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from simulator.cli.main import main

PROJECT = Path(__file__).resolve().parents[2]
RUN = PROJECT / "workloads" / "vllm-cpu-chat"

POINTS = """source,point_id,device,count,model,mode,prompt_tokens,output_tokens,load_kind,load_value
elsewhere,p1,nvidia-h100-sxm,1,llama-3.1-8b,agg,512,64,closed,1
"""

FACTS = """rows:
- {id: one, device: groq-lpu-v1, model: no-such-model, output_tok_s_user: 10}
"""


def rows_of(capsys: pytest.CaptureFixture[str], tmp_path: Path, *arguments: str) -> list[dict[str, object]]:
    """The JSON that a command writes."""
    file = tmp_path / "rows.json"
    assert main(["validate", *arguments, "--json", str(file)]) == 0, capsys.readouterr().err
    rows = json.loads(file.read_text())
    assert isinstance(rows, list)
    return rows


def test_every_run_has_figures_or_a_reason(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = rows_of(capsys, tmp_path, str(RUN))
    assert rows
    for row in rows:
        assert set(row) in ({"run", "metric", "predicted", "measured"}, {"run", "reason"})


def test_a_point_of_an_unknown_source_without_figures_is_reported_with_the_reason(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    table = tmp_path / "points.csv"
    table.write_text(POINTS)
    (row,) = rows_of(capsys, tmp_path, "--points", str(table))
    assert row["point"] == "p1"
    assert "no figure" in str(row["reason"])


def test_a_damaged_run_ends_in_one_message(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("format: measured-run/1\nname: x\n")
    assert main(["validate", str(tmp_path)]) == 2
    assert "run.yaml" in capsys.readouterr().err


def test_a_damaged_run_among_others_is_reported_with_the_reason(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shutil.copytree(RUN, tmp_path / "runs" / "good")
    damaged = tmp_path / "runs" / "damaged"
    damaged.mkdir()
    (damaged / "run.yaml").write_text("format: measured-run/1\nname: damaged\n")
    rows = rows_of(capsys, tmp_path, str(tmp_path / "runs"))
    assert [row["run"] for row in rows if "engine" in str(row.get("reason", ""))] == ["damaged"]


@pytest.mark.parametrize("arguments", [[], ["nowhere"], ["--points", "nowhere.csv"]])
def test_nothing_to_validate_ends_in_one_message(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", *arguments]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_the_report_is_one_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["validate", str(RUN), "--report", str(tmp_path / "out")]) == 0
    assert "<title>Predicted against measured</title>" in (tmp_path / "out" / "report.html").read_text()


def test_public_figures_may_come_from_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "figures.yaml"
    file.write_text(FACTS)
    (row,) = rows_of(capsys, tmp_path, "--facts", str(file))
    assert row["row"] == "one"
    assert "no-such-model" in str(row["reason"])


def test_public_figures_without_a_file_lie_beside_the_project(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulator.cli.validate.FACTS", tmp_path / "measured.yaml")
    assert main(["validate", "--facts"]) == 2
    message = capsys.readouterr().err
    assert message.startswith("error: --facts needs a file")
    assert "Traceback" not in message
    (tmp_path / "measured.yaml").write_text(FACTS)
    (row,) = rows_of(capsys, tmp_path, "--facts")
    assert row["row"] == "one"


def test_the_help_names_no_path_outside_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--help"]) == 0
    assert "../" not in capsys.readouterr().out


def test_the_gate_judges_whole_groups_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(RUN), "--check"]) == 0
    assert "not judged: too few runs" in capsys.readouterr().out


def test_a_median_beyond_its_bound_exits_with_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "thresholds.yaml").write_text("vLLM on a CPU: {runs: 1, e2e_mean_s: 1.0e-6}\n")
    monkeypatch.setattr("simulator.calibration.runs.gate.data_folder", lambda _: tmp_path)
    assert main(["validate", str(RUN), "--check"]) == 1
    assert "BROKEN" in capsys.readouterr().out
