"""Operating points: one row per steady state that somebody measured, one set of columns for all sources.

Format: ``points/<source>.csv.gz`` as described in the data folder's README; SI units; an empty cell is
unknown and reads as None here, never as zero.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.errors import InputError, nearest_file

#: Figures of a row that a simulation can be compared with.
METRICS = (
    "ttft_s",
    "tpot_s",
    "e2e_s",
    "output_tokens_per_s",
    "total_tokens_per_s",
    "requests_per_s",
    "power_w",
    "joules_per_output_token",
)
_REQUIRED = ("source", "point_id", "model", "mode", "load_kind")
_TEXT = (
    "source",
    "point_id",
    "device",
    "model",
    "model_source",
    "weight_dtype",
    "kv_dtype",
    "engine",
    "engine_version",
    "mode",
    "load_kind",
    "stat",
)
_WHOLE = ("count", "tp", "pp", "dp", "ep")
_NUMBERS = ("prompt_tokens", "output_tokens", "load_value")


@dataclass(frozen=True, slots=True)
class Workers:
    """One side of a disaggregated system: how many engines, and how each is spread over devices."""

    workers: int | None
    tp: int | None
    pp: int | None
    dp: int | None
    ep: int | None


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """One row. Names are those of the columns; times in seconds, power in watts.

    ``measured`` holds the figures of `METRICS` that the row has; ``extra`` whatever else the source gives.
    """

    source: str
    point_id: str
    device: str | None
    count: int | None
    model: str
    model_source: str | None
    weight_dtype: str | None
    kv_dtype: str | None
    engine: str | None
    engine_version: str | None
    mode: str
    tp: int | None
    pp: int | None
    dp: int | None
    ep: int | None
    prefill: Workers
    decode: Workers
    prompt_tokens: float | None
    output_tokens: float | None
    load_kind: str
    load_value: float | None
    stat: str | None
    measured: Mapping[str, float]
    extra: Mapping[str, Any]


def read_points(path: Path) -> Iterator[OperatingPoint]:
    """The points of one file.

    Raises
    ------
    InputError
        Where the file is missing or is no table of points.
    """
    import pandas as pd

    try:
        table = pd.read_csv(path, low_memory=False)
    except FileNotFoundError:
        raise InputError(f"no such file{nearest_file(path)}", file=path) from None
    except (OSError, ValueError) as error:
        raise InputError(f"is no CSV table: {error}", file=path) from None
    missing = [name for name in _REQUIRED if name not in table.columns]
    if missing:
        raise InputError(
            f"is no table of operating points: column {missing[0]!r} is missing"
            f" (there are {', '.join(map(str, table.columns[:6]))}, ...)",
            file=path,
        )
    for number, row in enumerate(table.astype(object).where(table.notna(), None).to_dict("records"), 2):
        try:
            yield _point({str(name): value for name, value in row.items()})
        except (TypeError, ValueError) as error:
            raise InputError(f"line {number} is no operating point: {error}", file=path) from None


def _point(row: Mapping[str, Any]) -> OperatingPoint:
    plain: dict[str, Any] = {name: _text(row.get(name)) for name in _TEXT}
    plain |= {name: _whole(row.get(name)) for name in _WHOLE}
    plain |= {name: _number(row.get(name)) for name in _NUMBERS}
    measured = {name: _number(row.get(name)) for name in METRICS}
    return OperatingPoint(
        **plain,
        prefill=_workers(row, "prefill"),
        decode=_workers(row, "decode"),
        measured={name: value for name, value in measured.items() if value is not None},
        extra=_extra(row.get("extra")),
    )


def _extra(text: Any) -> dict[str, Any]:
    if not isinstance(text, str):
        return {}
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError(f"extra is no JSON object: {text[:40]!r}")
    return found


def _workers(row: Mapping[str, Any], role: str) -> Workers:
    names = ("workers", "tp", "pp", "dp", "ep")
    return Workers(**{name: _whole(row.get(f"{role}_{name}")) for name in names})


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _whole(value: Any) -> int | None:
    return None if value is None else int(float(value))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
