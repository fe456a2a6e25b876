"""``simulator size`` at the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from simulator.cli.main import main
from tests.planning.sweep.test_sweep import SCENARIO


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    content = {
        **SCENARIO,
        "workload": {**SCENARIO["workload"], "arrivals": {"process": "poisson", "rate": "40 /s"}},
        "requests": 500,
        "slo": {"ttft": "1 s", "percentiles": {"p95_tpot": "60 ms"}},
    }
    (tmp_path / "chat.yaml").write_text(yaml.safe_dump(content))
    return "chat.yaml"


def test_the_design_is_printed_and_can_be_run(scenario, capsys):
    hardware = ["--hardware", "l4,h100", "--jobs", "1", "--out", "sized", "--json"]
    assert main(["size", scenario, *hardware]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["solved"]
    design = answer["design"]
    assert design["verification"]["met"] and design["verdict"]["met"]
    assert {one["hardware"] for one in answer["candidates"]} == {"nvidia-l4", "nvidia-h100-sxm"}
    assert json.loads(Path("sized/size.json").read_text()) == answer
    assert main(["run", "sized/design.yaml", "--check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["devices"] == design["devices"]


def documented(table):
    """Keys in the first column of a table of docs/planning.md."""
    text = (Path(__file__).parents[2] / "docs" / "planning.md").read_text()
    rows = text.split(f"| {table} |")[1].split("\n\n")[0].splitlines()[2:]
    return re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in rows))


def test_every_key_of_the_answer_is_documented(scenario, capsys):
    assert main(["size", scenario, "--jobs", "1", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert set(documented("key of `size --json`")) == set(answer)
    ends = {"cost_per_hour_usd_low", "cost_per_hour_usd_high"}  # the table shortens them
    assert set(documented("key of `design`")) == set(answer["design"]) - ends


def test_a_design_for_tenants_can_be_run_and_checked_as_it_is_written(scenario, capsys):
    content = yaml.safe_load(Path(scenario).read_text())
    workload, strict = content.pop("workload"), content.pop("slo")
    content["tenants"] = [
        {"name": "chat", "workload": workload, "slo": strict},
        {"name": "batch", "workload": workload, "slo": {"e2e": "5 min"}},
    ]
    Path("shared.yaml").write_text(yaml.safe_dump(content))
    assert main(["size", "shared.yaml", "--jobs", "1", "--out", "sized", "--json"]) == 0
    design = json.loads(capsys.readouterr().out)["design"]
    assert {"requests of chat", "p95_tpot of chat", "requests of batch"} == {
        one["name"] for one in design["verdict"]["objectives"]
    }
    assert main(["run", "sized/design.yaml", "--check", "--json"]) == 0


def test_the_answer_is_shown_with_its_proof(scenario, capsys):
    assert main(["size", scenario, "--jobs", "1", "--set", "size.spare=1"]) == 0
    shown = capsys.readouterr().out
    assert "Proof" in shown and "verification" in shown and "1 of them spare" in shown


def test_no_solution_is_exit_code_1(scenario, capsys):
    assert main(["size", scenario, "--jobs", "1", "--set", "slo={tpot: 1 us}", "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert not answer["solved"] and answer["design"] is None
    assert "one request alone" in answer["candidates"][0]["reason"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "slo={}"], "needs objectives"),
        (["--set", "slo={percentiles: {p99: 1 s}}"], "p99_ttft"),
        (["--hardware", "h1000"], "--hardware: unknown device 'h1000'"),
        (["--set", "size={disaggregation: [1-2]}"], "disaggregation"),
    ],
)
def test_bad_questions_are_refused(scenario, capsys, arguments, message):
    assert main(["size", scenario, "--jobs", "1", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_the_inverse_questions_have_answers(scenario, capsys):
    assert main(["size", scenario, "--find", "rate", "--jobs", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rate_per_s"] > 1
    assert main(["size", scenario, "--budget", "4 USD/hour", "--jobs", "1", "--json"]) == 0
    bought = json.loads(capsys.readouterr().out)
    assert bought["solved"] and bought["bought"][0]["ttft_ms"] > 0
    assert main(["size", scenario, "--find", "slo", "--budget", "0.1 USD/hour", "--jobs", "1"]) == 1


@pytest.mark.parametrize("question", [["--find", "rate"], ["--budget", "4 USD/hour"]])
def test_the_answer_to_an_inverse_question_is_written_where_asked(scenario, capsys, question):
    assert main(["size", scenario, *question, "--jobs", "1", "--json", "--out", "found"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert json.loads(Path("found/size.json").read_text()) == printed
    assert [path.name for path in Path("found").iterdir()] == ["size.json"]


def test_uncertainty_about_a_load_without_a_rate_is_refused_before_the_search(scenario, capsys, monkeypatch):
    monkeypatch.setattr("simulator.planning.size.size.size", lambda *_, **__: pytest.fail("it was sized"))
    closed = ["--set", "workload.arrivals={process: closed_loop, concurrency: 4}"]
    assert main(["size", scenario, "--uncertain", *closed]) == 2
    assert "needs arrivals with a rate, not 'closed_loop'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--find", "rate", "--hardware", "l4"], "--hardware: has no effect beside --find rate, which asks"),
        (["--find", "rate", "--uncertain"], "--uncertain: has no effect beside --find rate"),
        (["--find", "rate", "--budget", "4 USD/hour"], "--budget: has no effect beside --find rate"),
        (["--budget", "4 USD/hour", "--uncertain"], "--uncertain: has no effect beside --budget"),
        (["--find", "slo"], "needs a budget"),
        (["--find", "units?"], "allowed are units, rate"),
        (["--budget", "4 EUR"], "4 EUR"),
        (["--budget", "-2 USD/hour"], "more than nothing"),
    ],
)
def test_inverse_questions_without_sense_are_refused(scenario, capsys, arguments, message):
    assert main(["size", scenario, *arguments]) == 2
    assert message in capsys.readouterr().err
