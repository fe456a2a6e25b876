"""Dotted paths of values in a file (``cluster.pools[0].replicas``)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from simulator.errors import InputError

#: One step of a path: the key of a mapping or the index in a list.
Step = str | int
_PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]|(\.)")


def parse_path(text: str) -> tuple[Step, ...]:
    """Steps of a dotted path; ``pools.0`` and ``pools[0]`` mean the same.

    Raises
    ------
    InputError
        Where the text is no such path.
    """
    steps: list[Step] = []
    position = 0
    for match in _PART.finditer(text):
        if match.start() != position:
            break
        position = match.end()
        name, index, _ = match.groups()
        if index is not None:
            steps.append(int(index))
        elif name is not None:
            steps.append(int(name) if name.isdigit() else name.strip())
    clean = not (text.startswith(".") or text.endswith(".") or ".." in text)
    if position != len(text) or not steps or not clean:
        raise InputError(f"not a path of keys: {text!r}; expected e.g. cluster.pools[0].replicas")
    return tuple(steps)


def format_path(steps: Sequence[Step]) -> str:
    """A path as people write it, ``cluster.pools[0].replicas``."""
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
