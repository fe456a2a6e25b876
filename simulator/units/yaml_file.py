"""Reads a YAML mapping, and says clearly what is wrong where it cannot."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from simulator.errors import InputError, nearest_file

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _UniqueKeyLoader(_Loader):  # type: ignore[misc]
    """Refuses a mapping that says one key twice; plain YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: dict[Hashable, int] = {}
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key_node.tag == "tag:yaml.org,2002:merge" or not isinstance(key, Hashable):
                continue
            if key in seen:
                raise _DuplicateKeyError(str(key), seen[key], key_node.start_mark.line + 1)
            seen[key] = key_node.start_mark.line + 1
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return mapping


class _DuplicateKeyError(Exception):
    def __init__(self, key: str, first: int, second: int) -> None:
        self.key, self.first, self.second = key, first, second


def read_mapping(path: Path, what: str = "scenario") -> dict[str, Any]:
    """The YAML mapping in a file.

    Parameters
    ----------
    path
        The file.
    what
        What it should hold, for messages.

    Raises
    ------
    InputError
        Where the file is missing, unreadable, empty, binary, not YAML, not a mapping,
        or says one key twice.
    """
    return parse_mapping(_read_text(path, what), path, what)


def parse_mapping(text: str, file: Path | str, what: str = "scenario") -> dict[str, Any]:
    """The YAML mapping in a text; ``file`` and ``what`` only serve the messages."""
    if not text.strip():
        raise InputError(f"the file is empty; expected a {what} in YAML", file=file)
    content = _parse_any(text, file, what)
    if content is None:
        raise InputError(f"the file holds only comments; expected a {what} in YAML", file=file)
    if not isinstance(content, dict):
        raise InputError(f"expected a mapping of keys to values ({what}), found {_kind(content)}", file=file)
    odd = next((key for key in content if not isinstance(key, str)), None)
    if odd is not None:
        raise InputError(f"expected names as keys, found {odd!r}", file=file)
    return content


def parse_value(text: str) -> Any:
    """One YAML value, as after ``--set key=``; text that is no YAML stays text."""
    try:
        return yaml.load(text, Loader=_UniqueKeyLoader)
    except (yaml.YAMLError, _DuplicateKeyError, ValueError):
        return text


def _parse_any(text: str, file: Path | str, what: str) -> Any:
    try:
        return yaml.load(text, Loader=_UniqueKeyLoader)
    except _DuplicateKeyError as error:
        raise InputError(
            f"the key stands twice, in line {error.first} and in line {error.second}; keep one",
            file=file,
            key=error.key,
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise InputError(f"not valid YAML{where}: {error.problem or error.context}", file=file) from None
    except yaml.YAMLError:
        raise InputError(f"not a text file; expected a {what} in YAML", file=file) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"not valid YAML: {error}", file=file) from None


def _read_text(path: Path, what: str) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise InputError(
            f"there is no such file{nearest_file(path)}; expected a {what} in YAML", file=path
        ) from None
    except IsADirectoryError:
        raise InputError(f"this is a folder; expected a {what} in YAML", file=path) from None
    except UnicodeDecodeError:
        raise InputError(f"not a text file (not UTF-8); expected a {what} in YAML", file=path) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from None


def _kind(value: object) -> str:
    if isinstance(value, list):
        return "a list"
    return f"{value!r}" if len(repr(value)) <= 60 else f"{type(value).__name__}"
