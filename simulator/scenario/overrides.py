"""Overrides: what ``--set key=value`` says, and a scenario's content with it in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from simulator.errors import InputError
from simulator.units.key_paths import Step, format_path
from simulator.units.yaml_file import parse_value

#: An assignment for each option that takes them.
_EXAMPLES = {"--set": "cluster.pools[0].replicas=8", "--on": "device=nvidia-h100-sxm"}


def parse_assignment(text: str, option: str = "--set") -> tuple[str, Any]:
    """Path and value of ``key=value``; the value is read as YAML.

    Raises
    ------
    InputError
        Where there is no ``=`` or no key.
    """
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        raise InputError(f"found {text!r}, expected key=value, e.g. {_EXAMPLES[option]}", file=option)
    return path.strip(), parse_value(value)


def override(
    content: Any, steps: Sequence[Step], value: Any, expand: Callable[[Step, str], Mapping[str, Any] | None]
) -> Any:
    """A copy of nested mappings and lists in which the value at a path is another.

    Missing mappings on the way come into being. A name that stands for a mapping (a
    shipped workload) is opened with ``expand(key, name)``.

    Raises
    ------
    InputError
        Where the path leads through a value that has no parts, or past the end of a list.
    """
    return _override(content, tuple(steps), value, expand, 0)


def _override(
    content: Any,
    steps: tuple[Step, ...],
    value: Any,
    expand: Callable[[Step, str], Mapping[str, Any] | None],
    depth: int,
) -> Any:
    if depth == len(steps):
        return value
    step, so_far = steps[depth], format_path(steps[:depth]) or "the scenario"
    if isinstance(content, str) and depth:
        content = expand(steps[depth - 1], content) or content
    if isinstance(content, list | tuple):
        if not isinstance(step, int) or step >= len(content):
            raise InputError(
                f"{so_far} is a list of {len(content)}; expected an index from 0 to {len(content) - 1},"
                f" found {step!r}",
                file="--set",
                key=format_path(steps),
            )
        items = list(content)
        items[step] = _override(items[step], steps, value, expand, depth + 1)
        return items
    if content is None:
        content = {}
    if not isinstance(content, Mapping) or isinstance(step, int):
        found = "a mapping" if isinstance(content, Mapping) else repr(content)
        raise InputError(
            f"{so_far} is {found} and has no part {step!r}", file="--set", key=format_path(steps)
        )
    return {**content, step: _override(content.get(step), steps, value, expand, depth + 1)}


def says(content: Any, steps: Sequence[Step]) -> bool:
    """Whether nested mappings and lists have something at a path."""
    for step in steps:
        parts = dict(enumerate(content)) if isinstance(content, list | tuple) else content
        if not isinstance(parts, Mapping) or step not in parts:
            return False
        content = parts[step]
    return True


def without(content: Any, steps: Sequence[Step]) -> Any:
    """A copy of nested mappings and lists without the key at a path."""
    step, *rest = steps
    if isinstance(content, Mapping):
        kept = {key: value for key, value in content.items() if key != step}
        return {**kept, step: without(content[step], rest)} if rest else kept
    return [without(item, rest) if index == step else item for index, item in enumerate(content)]
