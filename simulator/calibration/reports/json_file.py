"""Reading JSON reports: errors that name file and key, and values that stand in one of several places."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from simulator.errors import InputError, nearest_file

Record = dict[str, Any]


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises
    ------
    InputError
        Where it is missing or no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"there is no such file{nearest_file(path)}", file=path) from None
    except (UnicodeDecodeError, ValueError) as error:
        raise InputError(f"is not JSON ({error})", file=path) from None


def found(record: Any, *paths: str) -> Any:
    """The first value that is there under one of these dotted paths; None where there is none."""
    for path in paths:
        value = record
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None:
            return value
    return None


def number(record: Any, *paths: str) -> float | None:
    """The same as a number."""
    value = found(record, *paths)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
