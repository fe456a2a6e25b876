"""``simulator compare``."""

from __future__ import annotations

import json

import pytest

from simulator.cli.main import main

FEW = ("--set", "requests=120", "--jobs", "1")


def test_two_designs_stand_side_by_side_with_paired_differences(capsys, tmp_path):
    out = tmp_path / "both"
    assert (
        main(
            ["compare", "azure-conv-h100", "azure-conv-wse3", *FEW, "--set", "warmup=0 s", "--out", str(out)]
        )
        == 0
    )
    printed = capsys.readouterr().out
    assert "azure-conv-wse3" in printed
    assert "Difference to azure-conv-h100" in printed
    assert len(json.loads((out / "comparison.json").read_text())) == 2
    assert "<html" in (out / "report.html").read_text()


def test_hardware_is_compared_at_equal_service_level(capsys):
    assert main(["compare", "hardware-bakeoff", "--hardware", "l4,wse3,sohu", *FEW, "--json"]) == 0
    gpu, wafer, unpublished = json.loads(capsys.readouterr().out)
    assert gpu["slo_met"] and wafer["slo_met"]
    assert gpu["devices"] >= 1 and gpu["rate_per_unit"] > 0
    assert gpu["cheapest_between"][0]["from_per_s"] < 12.0
    assert gpu["prices"][0]["kind"] == "rent" and not gpu["one_fewer"]["met"]
    assert "no published" in unpublished["refusal"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["azure-conv-h100"], "compare needs two scenarios"),
        (["azure-conv-h100", "azure-conv-wse3", "--hardware", "l4"], "--hardware takes one scenario"),
        (["azure-conv-h100", "--hardware", "h1000"], "--hardware: unknown device 'h1000'"),
        (["closed-loop-batch", "--hardware", "l4"], "needs objectives"),
    ],
)
def test_what_cannot_be_compared_is_refused(arguments, complaint, capsys):
    assert main(["compare", *arguments]) == 2
    assert complaint in capsys.readouterr().err
