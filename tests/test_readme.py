"""What the README shows works."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
README = (PROJECT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """Fenced examples in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def first_scenario(tmp_path: Path) -> Path:
    """The scenario that the README has its reader save, where it says to."""
    (example,) = blocks("yaml")
    file = tmp_path / "first.yaml"
    file.write_text(example)
    return file


def test_the_first_scenario_is_valid(first_scenario: Path) -> None:
    from simulator.scenario.loading import load_scenario

    assert load_scenario(first_scenario).name == "first"


def test_the_python_example_runs(first_scenario: Path) -> None:
    (example,) = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", example],
        cwd=first_scenario.parent,
        env={"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) > 0


def test_the_table_of_commands_is_complete() -> None:
    command = "import sys; from simulator.cli.main import main; sys.exit(main(['--help']))"
    done = subprocess.run([sys.executable, "-c", command], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    commands = done.stdout[done.stdout.index("Commands") :]
    offered = set(re.findall(r"^\W*([a-z][a-z-]+)  ", commands, re.MULTILINE))
    assert offered == set(re.findall(r"^\| `simulator ([a-z-]+)", README, re.MULTILINE))


@pytest.mark.parametrize(
    "page", ["README.md", *(f"docs/{path.name}" for path in (PROJECT / "docs").glob("*.md"))]
)
def test_links_between_pages_lead_somewhere(page: str) -> None:
    text = (PROJECT / page).read_text()
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
    missing = [target for target in targets if not ((PROJECT / page).parent / target).exists()]
    assert not missing


@pytest.mark.parametrize("section", ["SizeSpec", "CompareSpec", "FrontierSpec", "EntrantSpec"])
def test_every_key_of_a_planning_section_stands_in_the_planning_page(section: str) -> None:
    from simulator.scenario import compare, frontier, size

    spec = next(getattr(room, section) for room in (size, compare, frontier) if hasattr(room, section))
    page = (PROJECT / "docs" / "planning.md").read_text()
    assert [key for key in spec.model_fields if f"| `{key}` |" not in page] == []
