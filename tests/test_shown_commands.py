"""Commands that the pages and the headers of scenarios show can be typed as they stand."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from simulator.cli.main import app, main
from simulator.planning.sweep.axes import check_axes, parse_axis
from simulator.scenario.loading import load_scenario
from simulator.scenario.references import shipped_names

PROJECT = Path(__file__).resolve().parent.parent
PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in (PROJECT / "docs").glob("*.md"))]
SCENARIOS = shipped_names("scenarios")
#: What ends a command: two spaces and what they explain.
_EXPLAINED = re.compile(r"\s{2,}.*|\s#.*")
_SET = re.compile(r"""--set ("[^"]*"|'[^']*'|(?:[^\s"'`]|"[^"]*")+)""")


def header(name: str) -> list[str]:
    """Lines of comment at the top of a shipped scenario."""
    text = (PROJECT / "scenarios" / f"{name}.yaml").read_text()
    return [line[1:].strip() for line in text.split("\nname:")[0].splitlines() if line.startswith("#")]


def settings(line: str) -> list[str]:
    """What a line shows after ``--set``, as a shell hands it over."""
    return ["".join(shlex.split(found)) for found in _SET.findall(line)]


def commands(text: str) -> list[list[str]]:
    """The commands that lines of a page begin with, as words; not those with words to fill in."""
    found = []
    for line in text.splitlines():
        shown = re.match(r"^(?:#\s+|\s*)(?:\.venv/bin/)?simulator ([a-z].*)", line)
        if shown and "..." not in line:
            found.append(shlex.split(_EXPLAINED.sub("", shown[1])))
    return [words for words in found if not any(re.fullmatch("[A-Z]+", word) for word in words)]


def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in a folder that has the files that pages have their readers save."""
    for page in PAGES:
        text = (PROJECT / page).read_text()
        for name, example in re.findall(
            r"[Ss]ave (?:this )?as `([\w.-]+)`:\n\n```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL
        ):
            (folder / name).write_text(example)
    monkeypatch.chdir(folder)


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_the_header_of_a_scenario_says_to_try_can_be_tried(name):
    for line in header(name):
        if "simulator" in line or not (asked := settings(line)):
            continue
        assert load_scenario(name, asked).name == name


def test_headers_say_what_to_set_in_a_form_that_can_be_typed():
    """Every key of a scenario that a header gives a value stands behind ``--set``."""
    prose = re.compile(r"\b(?:reasoning|cluster|workload|model|engine)\.[\w.\[\]]+ ?= ?\S")
    loose = [(name, line) for name in SCENARIOS for line in header(name) if prose.search(_SET.sub("", line))]
    assert loose == []


@pytest.mark.parametrize("place", [*PAGES, *(f"scenarios/{name}.yaml" for name in SCENARIOS)])
def test_a_command_has_the_options_that_are_shown(place):
    offered = get_command(app).commands
    for name, *arguments in commands((PROJECT / place).read_text()):
        offered[name].make_context(name, arguments)


@pytest.mark.parametrize("place", [*PAGES, *(f"scenarios/{name}.yaml" for name in SCENARIOS)])
def test_a_command_on_a_shipped_scenario_loads_it(place, tmp_path, monkeypatch):
    here(tmp_path, monkeypatch)
    for words in commands((PROJECT / place).read_text()):
        shipped = next((word for word in words[1:] if word in SCENARIOS), None)
        asked = [words[at + 1] for at, word in enumerate(words) if word == "--set"]
        if shipped is None:
            continue
        if words[0] in ("sweep", "search"):
            check_axes(shipped, [parse_axis(text) for text in asked])
        else:
            load_scenario(shipped, asked)


@pytest.mark.parametrize("page", ["docs/adding-hardware.md", "docs/adding-models.md"])
def test_an_entry_of_ones_own_runs_as_the_page_shows_it(page, tmp_path, monkeypatch, capsys):
    """The scenario lies in another folder than the entry, which lies where the command is typed."""
    here(tmp_path, monkeypatch)
    shown = commands((PROJECT / page).read_text())
    (run,) = [words for words in shown if words[0] == "run"]
    assert main([*run, "--set", "requests=20", "--set", "warmup=0 s", "--json"]) == 0, capsys.readouterr().err
    assert yaml.safe_load(capsys.readouterr().out)["completed"] == 20


def test_a_json_file_has_a_name_wherever_it_needs_one():
    assert "`--json FILE`" in next(
        line for line in (PROJECT / "README.md").read_text().splitlines() if "simulator validate" in line
    )
