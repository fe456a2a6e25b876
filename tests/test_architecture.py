"""The house: which room may import which, what each room says of itself, and what no file may hold."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PACKAGE = PROJECT / "simulator"
ROOMS = sorted(
    path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name not in ("__pycache__", "data")
)
MODULES = sorted(PACKAGE.rglob("*.py"))

#: Slow to load, so loaded only by the functions that use them.
HEAVY = {"pandas", "scipy", "plotly", "pint", "pyarrow", "ray"}

#: Places on somebody's machine, which no other machine has.
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|root|Users|home/\w+|tmp/\w+)/[\w.]+|[A-Z]:\\Users\\")


def layers() -> list[str]:
    """The floors of the house, top first, as the import contract in pyproject.toml lists them."""
    configuration = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    (contract,) = configuration["tool"]["importlinter"]["contracts"]
    return [name.removeprefix("simulator.") for name in contract["layers"]]


def test_a_room_imports_only_from_rooms_below_it() -> None:
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as lint; lint()",
        "--no-cache",
    ]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, (
        f"the house is broken:\n{done.stdout[done.stdout.find('Broken') :]}{done.stderr}"
    )


def test_every_room_has_its_floor() -> None:
    assert set(ROOMS) == set(layers()) - {"errors"}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_is(room: str) -> None:
    front_door = PACKAGE / room / "__init__.py"
    assert front_door.is_file(), f"{room} is no package: it has no __init__.py"
    assert ast.get_docstring(ast.parse(front_door.read_text())), (
        f"{front_door.relative_to(PROJECT)} has no docstring"
    )


def test_the_picture_of_the_house_shows_the_floors_in_order() -> None:
    picture = (PROJECT / "docs" / "architecture.md").read_text()
    shown = [
        match[1] for match in re.finditer(r"^    (\w+)  +\S", picture, re.MULTILINE) if match[1] in layers()
    ]
    assert shown == layers()


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_slow_libraries_load_only_where_they_are_used(module: Path) -> None:
    early = [
        name for name in imports_on_loading(ast.parse(module.read_text())) if name.split(".")[0] in HEAVY
    ]
    assert not early, f"{module.relative_to(PROJECT)} loads {', '.join(early)} before any function needs it"


def imports_on_loading(tree: ast.AST) -> Iterator[str]:
    """Names imported when the module is, not inside functions nor for the type checker only."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                continue
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                continue
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom(module=str(name), level=0):
                yield name
            case _:
                yield from imports_on_loading(node)


def project_files() -> list[Path]:
    """Files that are committed or would be; empty outside a git checkout."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    return [path for line in done.stdout.splitlines() if (path := PROJECT / line).is_file()]


def test_no_file_names_a_place_on_one_machine() -> None:
    files = project_files()
    if not files:
        pytest.skip("needs a git checkout, to know which files belong to the project")
    found = []
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # packed data
        found += [f"{file.relative_to(PROJECT)}: {match[0]}" for match in MACHINE_PATH.finditer(text)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "names_a_machine"),
    [
        ("open('/home/" + "someone/trace.csv')", True),
        ("C:" + r"\Users\someone", True),
        ("see ../shared/traces", False),
        ("https://example.org/home/pages/x", False),
        ("tokens/work/s", False),
    ],
)
def test_a_machine_path_is_told_from_other_slashes(text: str, names_a_machine: bool) -> None:
    assert bool(MACHINE_PATH.search(text)) == names_a_machine
