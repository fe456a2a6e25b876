"""The walk through docs/adding-hardware.md works as written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

import simulator
from simulator.hardware.catalogue import load_device

DOCUMENT = Path(__file__).parents[2] / "docs" / "adding-hardware.md"


@pytest.fixture(scope="module")
def blocks() -> list[str]:
    """The YAML of the document: a profile, and its execution section."""
    return re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.fixture
def profile(blocks, tmp_path):
    def write(*parts: str) -> Path:
        file = tmp_path / "acme-x1.yaml"
        file.write_text("\n".join(parts), encoding="utf-8")
        return file

    return write


def tokens_per_s(file: Path, users: int) -> float:
    scenario = {
        "workload": {
            "arrivals": {"process": "closed_loop", "concurrency": users},
            "prompt_tokens": {"distribution": "fixed", "tokens": 100},
            "output_tokens": {"distribution": "fixed", "tokens": 128},
            "ignore_eos": True,
        },
        "model": "llama-3.1-8b",
        "cluster": {"pools": [{"name": "main", "hardware": str(file)}]},
        "requests": users,
    }
    return simulator.run(scenario).summary.to_dict()["output_throughput"]


def test_a_data_sheet_is_enough_to_simulate(blocks, profile):
    file = profile(blocks[0])
    device = load_device(file)
    assert device.id == "acme-x1"
    assert device.estimates == ("idle_loaded",)
    assert tokens_per_s(file, 1) > 20


@pytest.mark.slow
def test_the_execution_section_meets_the_rates_it_is_made_from(blocks, profile):
    file = profile(blocks[0], blocks[1])
    assert tokens_per_s(file, 1) == pytest.approx(140, rel=0.1)
    assert tokens_per_s(file, 32) == pytest.approx(3000, rel=0.25)


def test_every_group_of_values_needs_a_source(blocks, profile):
    content = yaml.safe_load(blocks[0])
    del content["tdp"]["source"]
    with pytest.raises(simulator.InputError, match=r"tdp\.source"):
        load_device(profile(yaml.safe_dump(content)))


def test_a_device_that_idles_above_its_limit_is_refused_and_not_shown(blocks, profile, capsys):
    from simulator.cli.main import main

    content = yaml.safe_load(blocks[0])
    content["tdp"]["value"] = "1 W"
    file = profile(yaml.safe_dump(content))
    with pytest.raises(simulator.InputError, match=r"without work is more than the limit, tdp 1 W"):
        load_device(str(file))
    assert main(["show", "hardware", str(file)]) == 2
    printed = capsys.readouterr()
    assert not printed.out and "more than the limit" in printed.err
