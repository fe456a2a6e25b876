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


def tenants_of(tmp_path, second, **more):
    """A scenario of two tenants, of which the first has objectives and a rate."""
    traffic = {
        "prompt_tokens": {"distribution": "fixed", "tokens": 200},
        "output_tokens": {"distribution": "fixed", "tokens": 20},
    }
    poisson = {"process": "poisson", "rate": "4 /s"}
    content = {
        "model": "llama-3.1-8b",
        "tenants": [
            {"name": "first", "workload": {"arrivals": poisson, **traffic}, **more},
            {"name": "second", "workload": {"arrivals": second, **traffic}},
        ],
        "cluster": {"pools": [{"name": "main", "hardware": "nvidia-h100-sxm"}]},
        "duration": "10 s",
    }
    file = tmp_path / "tenants.yaml"
    file.write_text(json.dumps(content))
    return str(file)


POISSON = {"process": "poisson", "rate": "2 /s"}


def test_changes_are_ranked_where_tenants_have_objectives_and_rates(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("simulator.planning.why.answer.ranked_changes", lambda scenario, jobs, progress: [])
    assert main(["why", tenants_of(tmp_path, POISSON, slo={"ttft": "2 s"})]) == 0
    told = capsys.readouterr().out
    assert "Next change" in told and "No changes are ranked" not in told


def test_what_is_lacking_for_changes_is_named(tmp_path, capsys):
    assert main(["why", tenants_of(tmp_path, POISSON)]) == 0
    assert "no objectives (slo, or that of a tenant)" in capsys.readouterr().out
    closed = {"process": "closed_loop", "concurrency": 2}
    assert main(["why", tenants_of(tmp_path, closed, slo={"ttft": "2 s"})]) == 0
    assert "tenants[1].workload.arrivals: a load to turn up" in capsys.readouterr().out
