"""Every program is listed, runs by its name, and ends with one message where its input is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.cli.main import main
from simulator.cli.tool import TOOLS

PROJECT = Path(__file__).resolve().parents[2]
PACKAGE = PROJECT / "simulator"


def programs() -> set[str]:
    """Modules and packages that ``python -m`` runs."""
    files = [file for file in PACKAGE.rglob("*.py") if '\nif __name__ == "__main__":' in file.read_text()]
    parts = [file.relative_to(PACKAGE).with_suffix("").parts for file in files if file.name != "main.py"]
    return {".".join(part for part in one if part != "__main__") for one in parts}


def test_every_program_of_the_package_is_a_tool():
    assert {tool.name for tool in TOOLS.values()} == programs()


def test_the_page_lists_every_tool():
    page = (PROJECT / "docs" / "tools.md").read_text()
    for name, tool in TOOLS.items():
        assert f"| `{name}" in page
        assert f"`python -m simulator.{tool.name}`" in page


def test_tools_are_listed(capsys):
    assert main(["tool"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(TOOLS)


def test_a_tool_takes_its_own_arguments(capsys):
    assert main(["tool", "voting", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"voting", "coverage"}


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_says_how_it_is_used(capsys, name):
    assert main(["tool", name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: simulator tool {name} [-h]")


@pytest.mark.parametrize("name", [name for name, tool in TOOLS.items() if tool.given])
def test_a_tool_without_its_input_is_a_mistake_of_the_user(capsys, tmp_path, name):
    missing = str(tmp_path / "missing")
    assert main(["tool", name, *[missing] * len(TOOLS[name].given.split())]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_operator_tables_of_a_system_that_are_not_there_are_a_mistake(capsys, tmp_path):
    (tmp_path / "a100_sxm").mkdir()
    assert main(["tool", "operators", str(tmp_path), "h100_sxm"]) == 2
    assert "no tables of 'h100_sxm' here" in capsys.readouterr().err


def test_an_unknown_tool_brings_the_nearest(capsys):
    assert main(["tool", "trafic"]) == 2
    assert "did you mean 'traffic'" in capsys.readouterr().err
