"""``simulator conformance`` prints one line that counts, and the first difference where there is one."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest

from simulator.cli.main import main

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
NAME = "02-burst-simultaneous"


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """A recorded schedule in which a request has one token too many."""
    shutil.copy(GOLDEN / f"{NAME}.scenario.json", tmp_path)
    lines = gzip.decompress((GOLDEN / f"{NAME}.trace.jsonl.gz").read_bytes()).decode().splitlines()
    step = json.loads(lines[1])
    step["reqs"][1][1] += 1
    lines[1] = json.dumps(step)
    (tmp_path / f"{NAME}.trace.jsonl").write_text("\n".join(lines))
    return tmp_path


def test_a_schedule_that_is_made_again_exits_with_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conformance", str(GOLDEN / f"{NAME}.scenario.json")]) == 0
    assert capsys.readouterr().out.startswith("1 of 1 scenarios, ")


def test_a_difference_exits_with_one_and_is_shown(wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conformance", str(wrong)]) == 1
    out = capsys.readouterr().out
    assert "first difference: step 0" in out
    assert "(1 the same)" in out
    assert "expected" in out and "found" in out
    assert out.splitlines()[-1].startswith("0 of 1 scenarios, ")


def test_json_holds_headline_and_difference(wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conformance", "--json", str(wrong), str(GOLDEN / f"{NAME}.scenario.json")]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["headline"].startswith("1 of 2 scenarios, ")
    assert report["identical"] is False
    different, same = report["scenarios"]
    assert same["difference"] is None
    assert different["difference"]["where"] == "step 0"
    assert set(different["difference"]["expected"]) == {"reqs"}


def test_a_path_without_a_recording_exits_with_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["conformance", str(tmp_path)]) == 2
    assert "no recorded schedule here" in capsys.readouterr().err
