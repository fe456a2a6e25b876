"""Modules of the reasoning room know each other in one direction, for types too."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import simulator.reasoning

ROOM = Path(simulator.reasoning.__file__).parent


def imported(file: Path) -> set[str]:
    """Modules that a file imports from anywhere in it, ``if TYPE_CHECKING`` included."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}


def test_no_module_imports_what_imports_it():
    files = {
        ".".join(("simulator.reasoning", *path.relative_to(ROOM).with_suffix("").parts)): path
        for path in ROOM.rglob("*.py")
        if path.stem != "__init__"
    }
    graph = {name: imported(path) & files.keys() for name, path in files.items()}
    assert "simulator.reasoning.task" in graph["simulator.reasoning.desk"]
    TopologicalSorter(graph).prepare()  # raises where there is a circle
