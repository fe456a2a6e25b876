"""The values behind flags of vLLM, read as vLLM reads them: human-readable numbers, switches, JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from simulator.errors import InputError
from simulator.scenario.vllm.command_line import WHERE
from simulator.scenario.vllm.flags import Flag

_HUMAN = re.compile(r"(\d+(?:\.\d+)?)([kKmMgGtT]?)")
_FACTORS = {
    "": 1,
    "k": 10**3,
    "m": 10**6,
    "g": 10**9,
    "t": 10**12,
    "K": 2**10,
    "M": 2**20,
    "G": 2**30,
    "T": 2**40,
}


def converted(name: str, flag: Flag, value: Any) -> Any:
    """A raw value as the type that the flag's place wants.

    Raises
    ------
    InputError
        Where it is none of that type.
    """
    kind = flag.kind
    if kind is bool:
        return _truth(name, value)
    if isinstance(value, bool):
        raise InputError("found no value behind the flag, expected one", file=WHERE, key=f"--{name}")
    if kind is dict:
        return _mapping(name, value)
    if kind is int:
        return _whole(name, value)
    if kind is float:
        return _number(name, value)
    return value


def _truth(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if str(value).lower() not in words:
        raise InputError(f"found {value!r}, expected true or false", file=WHERE, key=f"--{name}")
    return words[str(value).lower()]


def _whole(name: str, value: Any) -> int | None:
    """A whole number; vLLM reads ``8k`` as 8,000 and ``8K`` as 8,192, and ``auto`` or -1 as unset."""
    if str(value) in ("auto", "-1", "None"):
        return None
    match = _HUMAN.fullmatch(str(value).strip())
    if match is None:
        raise InputError(f"found {value!r}, expected a whole number", file=WHERE, key=f"--{name}")
    return round(float(match[1]) * _FACTORS[match[2]])


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError(f"found {value!r}, expected a number", file=WHERE, key=f"--{name}") from None


def _mapping(name: str, value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    try:
        content = json.loads(value)
    except (TypeError, json.JSONDecodeError) as error:
        raise InputError(f"found {value!r}, expected JSON ({error})", file=WHERE, key=f"--{name}") from None
    if not isinstance(content, dict):
        if name == "compilation-config":
            return {"level": content}
        raise InputError(f"found {value!r}, expected a JSON mapping", file=WHERE, key=f"--{name}")
    return content
