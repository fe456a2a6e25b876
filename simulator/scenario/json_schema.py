"""The JSON Schema of a scenario file, for editors."""

from __future__ import annotations

from typing import Any

from simulator.scenario.scenario import Scenario


def scenario_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a scenario; ``docs/scenario.schema.json`` is this, written down."""
    schema: dict[str, Any] = _with_json_bounds(Scenario.model_json_schema(mode="validation"))
    schema["required"] = [key for key in schema["required"] if key not in _SAID_ELSEWHERE]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Scenario",
        **{key: value for key, value in schema.items() if key != "title"},
    }


#: Keys that must be said, but in one of two places: traffic also by tenants, the model also by every pool.
_SAID_ELSEWHERE = ("workload", "model")

#: pydantic leaves bounds behind validators under its own names.
_BOUNDS = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}


def _with_json_bounds(part: Any) -> Any:
    """Bounds of numbers in JSON Schema's words; those of quantities dropped, as "more than 0 s" has none."""
    if isinstance(part, list):
        return [_with_json_bounds(item) for item in part]
    if not isinstance(part, dict):
        return part
    number = part.get("type") in ("integer", "number")
    renamed = {
        _BOUNDS.get(key, key) if number else key: _with_json_bounds(value) for key, value in part.items()
    }
    return renamed if number else {key: value for key, value in renamed.items() if key not in _BOUNDS}
