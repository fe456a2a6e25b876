"""``simulator sweep`` at the command line."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from simulator.cli.main import main
from tests.planning.sweep.test_sweep import SCENARIO

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chat.yaml").write_text(yaml.safe_dump(SCENARIO))
    return "chat.yaml"


def test_a_sweep_prints_its_designs_and_leaves_a_table(scenario, capsys):
    assert main(["sweep", scenario, "--set", "cluster.pools.0.replicas=1,2", "--jobs", "1", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [one["set"]["cluster.pools.0.replicas"] for one in printed["designs"]] == [1, 2]
    assert printed["designs"][0]["figures"]["completed"] == 100
    assert {path.name for path in Path(printed["folder"]).iterdir()} >= {
        "points.jsonl",
        "results.csv",
        "sweep.json",
    }


def test_a_sweep_is_shown_as_tables(scenario, capsys):
    arguments = ["--set", "cluster.pools.0.replicas=1,2", "--seeds", "2", "--jobs", "1", "--out", "s"]
    assert main(["sweep", scenario, *arguments]) == 0
    shown = capsys.readouterr().out
    assert "Designs" in shown and "Pareto front" in shown and "Difference to replicas=1" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "needs --set"),
        (["--set", "requests=a,b"], "requests"),
        (["--set", "requests=1,2", "--backend", "threads"], "unknown backend 'threads'"),
        (["--points", "none.csv"], "no such file"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_written(scenario, capsys, arguments, message):
    assert main(["sweep", scenario, *arguments]) == 2
    assert message in capsys.readouterr().err
    assert [path.name for path in Path().iterdir()] == ["chat.yaml"]


@pytest.mark.slow
def test_kill_9_at_any_time_loses_nothing_and_repeats_nothing(scenario, tmp_path):
    """Killed at random moments, with all its workers, until it is through: every point is there once."""
    arguments = ["sweep", scenario, "--set", "requests=101..180", "--jobs", "2", "--out", "killed", "--json"]
    command = [
        sys.executable,
        "-c",
        "import sys; from simulator.cli.main import main; sys.exit(main(sys.argv[1:]))",
    ]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    journal = tmp_path / "killed" / "points.jsonl"
    chance = random.Random(5)
    seen: list[str] = []
    for attempt in range(40):
        process = subprocess.Popen(
            [*command, *arguments],
            cwd=tmp_path,
            env=environment,
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + (60 if attempt >= 8 else 240)
        goal = len(seen) + chance.randint(1, 14)
        while process.poll() is None and time.monotonic() < deadline and attempt < 8:
            if journal.exists() and journal.read_bytes().count(b"\n") > goal:
                time.sleep(chance.random() * 0.05)
                os.killpg(process.pid, signal.SIGKILL)
                break
            time.sleep(0.005)
        out, _ = process.communicate(timeout=240)
        lines = journal.read_text().splitlines()
        whole = [json.loads(line)["identity"] for line in lines[1:] if _is_whole(line)]
        assert whole[: len(seen)] == seen
        seen = whole
        if process.returncode == 0:
            break
    assert attempt >= 3
    assert len(json.loads(out)["designs"]) == 80
    assert len(seen) == len(set(seen)) == 80


def _is_whole(line: str) -> bool:
    try:
        return bool(json.loads(line))
    except ValueError:
        return False
