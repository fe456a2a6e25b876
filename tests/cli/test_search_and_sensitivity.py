"""``simulator search`` and ``simulator sensitivity`` at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from simulator.cli.main import main
from tests.planning.sweep.test_sweep import SCENARIO


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chat.yaml").write_text(yaml.safe_dump({**SCENARIO, "requests": 30}))
    return "chat.yaml"


def test_a_tornado_is_printed(scenario, capsys):
    arguments = ["--range", "workload.arrivals.rate=2 /s,8 /s", "--jobs", "1"]
    assert main(["sensitivity", scenario, *arguments]) == 0
    assert "Tornado" in capsys.readouterr().out
    assert main(["sensitivity", scenario, *arguments, "--of", "p99_ttft_ms", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["inputs"][0]["key"] == "workload.arrivals.rate"


def test_what_is_set_holds_at_all_points(scenario, capsys):
    asked = [
        "--range",
        "workload.arrivals.rate=2 /s,8 /s",
        "--jobs",
        "1",
        "--of",
        "cost_per_hour_usd",
        "--json",
    ]
    costs = []
    for replicas in (1, 3):
        fixed = ["--set", f"cluster.pools.0.replicas={replicas}", "--out", f"with-{replicas}"]
        assert main(["sensitivity", scenario, *asked, *fixed]) == 0
        costs.append(json.loads(capsys.readouterr().out)["inputs"][0]["at_high"])
    assert costs[1] == pytest.approx(3 * costs[0])


def test_a_search_prints_the_best_design(scenario, capsys):
    pytest.importorskip("optuna")
    arguments = ["--set", "cluster.pools.0.replicas=1,2,3", "--trials", "16", "--jobs", "1"]
    assert main(["search", scenario, *arguments, "--minimise", "cost_per_hour_usd"]) == 0
    assert "cluster.pools.0.replicas=1" in capsys.readouterr().out
    assert main(["search", scenario, *arguments, "--set", "slo={tpot: 1 us}", "--out", "none", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["solved"] is False


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sensitivity", "chat.yaml"], "needs --range"),
        (["sensitivity", "chat.yaml", "--range", "requests=1,2", "--method", "x"], "unknown method 'x'"),
        (
            ["sensitivity", "chat.yaml", "--range", "requests=10,20", "--set", "requests=30"],
            "'requests' is set more than once: by --set requests and by --range requests; keep one of them",
        ),
        (
            ["sensitivity", "chat.yaml", "--range", "requests=10,20", "--range", "requests=30,40"],
            "--range: 'requests' is set more than once; give all its values in one --range",
        ),
        (["sensitivity", "chat.yaml", "--range", "requests=10,,20"], "--range: requests: a value is missing"),
        (["sensitivity", "chat.yaml", "--range", "requests"], "--range: found 'requests', expected key=low"),
        (["sensitivity", "chat.yaml", "--range", "requests=-5,10"], "--range: requests: "),
        (
            ["sensitivity", "chat.yaml", "--range", "requests=10,20", "--set", "cluster.pools.0.replicas=-1"],
            "--set: cluster.pools[0].replicas: ",
        ),
        (
            ["sensitivity", "chat.yaml", "--range", "requests=10,20", "--set", "seeed=30"],
            "unknown key 'seeed'",
        ),
        (["search", "chat.yaml"], "needs --set"),
        (["search", "chat.yaml", "--range", "cluster.pools.0.replica=1,2"], "replica"),
    ],
)
def test_bad_questions_are_refused(scenario, capsys, arguments, message):
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_a_figure_that_no_result_has_is_refused_before_anything_is_written(scenario, capsys, monkeypatch):
    def never(*_arguments, **_named):
        raise AssertionError("no point may run")

    monkeypatch.setattr("simulator.planning.sensitivity.question.sweep", never)
    asked = ["--range", "workload.arrivals.rate=2 /s,8 /s", "--of", "p99_tftt_ms", "--out", "kept"]
    assert main(["sensitivity", scenario, *asked]) == 2
    shown = capsys.readouterr().err
    assert "--of: no figure 'p99_tftt_ms' in the results (did you mean 'p99_ttft_ms'?)" in shown
    assert not Path("kept").exists()
