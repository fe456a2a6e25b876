"""``simulator run`` hands the scenario to the simulation and shows the answer; ``report`` shows it again."""

from __future__ import annotations

import json

import numpy as np
import pytest

import simulator
import simulator.simulation
from simulator.cli.main import main
from simulator.errors import DoesNotFitError
from simulator.results.context import Slo
from tests.results.recordings import context, one_server, result

SCENARIO = """\
workload:
  arrivals: {process: poisson, rate: 6 /s}
  prompt_tokens: {distribution: fixed, tokens: 100}
  output_tokens: {distribution: fixed, tokens: 11}
model: llama-3.1-8b
cluster: {pools: [{name: main, hardware: h100}]}
requests: 20
"""


@pytest.fixture
def asked(monkeypatch):
    """What the simulation was asked; it answers with a small result of its own."""
    calls = []

    def run_scenario(scenario, seed=None, progress=None):
        calls.append((scenario, seed))
        progress(10**9, 0.5)
        return result(one_server(np.arange(20) * 0.3))

    monkeypatch.setattr(simulator.simulation, "run_scenario", run_scenario, raising=False)
    return calls


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a scenario in it, and the shell in that folder."""
    (tmp_path / "mine.yaml").write_text(SCENARIO)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_summary_appears_on_the_screen(asked, here, capsys):
    assert main(["run", "mine.yaml"]) == 0
    told = capsys.readouterr()
    assert "one-server" in told.out and told.err == ""
    assert list(here.iterdir()) == [here / "mine.yaml"]


def test_seed_and_overrides_reach_the_simulation(asked, here):
    main(["run", "mine.yaml", "--seed", "7", "--set", "cluster.pools.0.replicas=3", "--set", "requests=5"])
    scenario, _ = asked[0]
    assert (scenario.seed, scenario.cluster.pools[0].replicas, scenario.requests) == (7, 3, 5)


def test_a_shipped_scenario_runs_by_name(asked):
    assert main(["run", "azure-conv-h100"]) == 0
    assert asked[0][0].name == "azure-conv-h100"


def test_json_is_all_there_is_on_the_screen(asked, here, capsys):
    assert main(["run", "mine.yaml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["completed"] == 20


def test_the_folder_holds_figures_tables_report_and_timeline(asked, here, capsys):
    assert main(["run", "mine.yaml", "--out", "out/first"]) == 0
    assert "Report: out/first/report.html" in capsys.readouterr().out
    files = {path.name.split(".")[0] for path in (here / "out/first").iterdir()}
    assert {"summary", "requests", "report", "timeline", "scenario"} <= files


def test_a_saved_result_is_rendered_again(asked, here, capsys):
    main(["run", "mine.yaml", "--out", "out"])
    report = here / "out" / "report.html"
    first = report.read_bytes()
    report.unlink()
    capsys.readouterr()
    assert main(["report", "out"]) == 0
    assert "one-server" in capsys.readouterr().out
    assert report.read_bytes() == first
    assert main(["report", "out", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["completed"] == json.loads((here / "out/summary.json").read_text())["completed"]


def test_a_failing_run_leaves_nothing_behind(here, capsys, monkeypatch):
    def run_scenario(*_, **__):
        raise DoesNotFitError("weights 141 GB, memory 80 GB", key="cluster.pools[0]")

    monkeypatch.setattr(simulator.simulation, "run_scenario", run_scenario, raising=False)
    assert main(["run", "mine.yaml", "--out", "out"]) == 2
    assert capsys.readouterr().err == "error: mine.yaml: cluster.pools[0]: weights 141 GB, memory 80 GB\n"
    assert list(here.iterdir()) == [here / "mine.yaml"]


@pytest.mark.parametrize(("ttft", "code"), [("1 s", 0), ("1 ms", 1)])
def test_check_asks_whether_the_objectives_are_met(here, monkeypatch, ttft, code):
    def run_scenario(scenario, seed=None, progress=None):
        slo = Slo(ttft_s=scenario.slo.ttft, attainment=scenario.slo.attainment)
        return result(one_server(np.arange(20) * 0.3), context(slo=slo))

    monkeypatch.setattr(simulator.simulation, "run_scenario", run_scenario, raising=False)
    assert main(["run", "mine.yaml", "--check", "--set", f"slo.ttft={ttft}"]) == code
    assert main(["run", "mine.yaml", "--set", f"slo.ttft={ttft}"]) == 0


def test_check_without_objectives_is_bad_input(asked, here, capsys):
    assert main(["run", "mine.yaml", "--check"]) == 2
    assert "mine.yaml: slo: --check needs objectives" in capsys.readouterr().err
    assert asked == []


def test_an_output_folder_that_cannot_be_is_refused_before_the_run(asked, here, capsys):
    assert main(["run", "mine.yaml", "--out", "mine.yaml"]) == 2
    assert main(["run", "mine.yaml", "--out", "mine.yaml/deeper"]) == 2
    assert capsys.readouterr().err.count("error: ") == 2
    assert asked == []


def test_a_folder_with_other_files_is_not_replaced(asked, here, capsys):
    (here / "out").mkdir()
    (here / "out" / "thesis.txt").write_text("years of work")
    assert main(["run", "mine.yaml", "--out", "out"]) == 2
    assert (here / "out" / "thesis.txt").read_text() == "years of work"


def test_python_has_the_same_in_one_call(asked, here):
    made = simulator.run("mine.yaml", seed=3, overrides={"requests": 5}, progress=lambda *_: None)
    assert made.summary.to_dict()["completed"] == 20
    assert (asked[0][0].seed, asked[0][0].requests) == (3, 5)
    loaded = simulator.load_scenario("mine.yaml")
    simulator.run(loaded, progress=lambda *_: None)
    assert asked[1][0] is loaded
