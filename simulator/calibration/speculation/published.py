"""The published speed-ups as they stand in the table of techniques, one point per load and series."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.errors import InputError
from simulator.units.yaml_file import read_mapping


@dataclass(frozen=True, slots=True)
class PublishedPoint:
    """One published figure.

    Attributes
    ----------
    setup, series
        Which set-up of the table, and which of its curves.
    load
        Requests in flight, requests per second or sequences of a static batch.
    speedup
        Of speculation over none [1]; of one draft over another in ``p_eagle...``.
    from_memory
        Whether the table says that the figure could not be looked up: shown, never scored. The acceptance
        is fitted to one only where its series has no other.
    tokens
        Tokens per verification, where they were published beside the speed-up: nothing is fitted then.
    """

    setup: str
    series: str
    load: float
    speedup: float
    from_memory: bool = False
    tokens: float | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """A set-up of the table without points, and why."""

    setup: str
    reason: str


#: The table of single requests by method (Spec-Bench).
SPEC_BENCH = "batch1_specbench_A100"
#: Set-ups that only give ranges or single figures without their loads.
_WITHOUT_LOAD = "a range or one figure, without the load it was measured at"


def read_published(path: Path | str) -> list[PublishedPoint | Unread]:
    """All points of a table of techniques, in its order.

    Raises
    ------
    InputError
        Where the file is missing or has no such table.
    """
    file = Path(path)
    content = read_mapping(file, what="table of techniques")
    section = content.get("speculative_decoding")
    tables = section.get("by_concurrency") if isinstance(section, Mapping) else None
    if not isinstance(tables, Mapping):
        raise InputError(
            "found no speed-ups by load; expected the key speculative_decoding.by_concurrency", file=file
        )
    found: list[PublishedPoint | Unread] = []
    if isinstance(section, Mapping) and isinstance(section.get(SPEC_BENCH), Mapping):
        for model, rows in section[SPEC_BENCH].items():
            if isinstance(rows, Mapping):
                found += _alone(f"{SPEC_BENCH}_{model}", rows)
    for name, table in tables.items():
        found += _read(str(name), table)
    return found


def _alone(setup: str, rows: Mapping[str, Any]) -> list[PublishedPoint | Unread]:
    """Single requests: tokens per verification and speed-up of every method."""
    try:
        return [
            PublishedPoint(setup, str(method), 1, float(speedup), tokens=float(tokens))
            for method, (tokens, speedup) in rows.items()
        ]
    except (TypeError, ValueError) as error:
        return [Unread(setup, f"not understood: {error}")]


def _read(name: str, table: Any) -> list[PublishedPoint | Unread]:
    """The points of a set-up, or why there are none."""
    if not isinstance(table, Mapping):
        return [Unread(name, "not a table")]
    try:
        points: list[PublishedPoint | Unread] = list(_points(name, table))
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        return [Unread(name, f"not understood: {error}")]
    return points or [Unread(name, _WITHOUT_LOAD)]


def _points(setup: str, table: Mapping[str, Any]) -> Iterator[PublishedPoint]:
    if "qps" in table:
        times = zip(table["e2e_s_none"], table["e2e_s_spec"], strict=True)
        yield from _series(setup, "end to end", table["qps"], [none / spec for none, spec in times])
    elif "batch1_tok_s" in table:
        yield from _eagle_by_batch(setup, table)
    elif "concurrency" in table:
        yield from _by_concurrency(setup, table)
    elif isinstance(table.get("batch"), list):
        for name, values in table.items():
            if name != "batch" and isinstance(values, list):
                yield from _series(setup, str(name), table["batch"], values)


def _by_concurrency(setup: str, table: Mapping[str, Any]) -> Iterator[PublishedPoint]:
    loads = table["concurrency"]
    rates = table.get("tok_s")
    if isinstance(rates, Mapping):  # rates say more digits than the rounded speed-ups beside them
        for name, values in rates.items():
            if name != "none":
                ratios = [value / none for value, none in zip(values, rates["none"], strict=True)]
                yield from _series(setup, str(name), loads, ratios)
        return
    none = table.get("no_spec_tok_s_gpu")
    for name, values in table.items():
        if not isinstance(values, list) or name in ("concurrency", "no_spec_tok_s_gpu"):
            continue
        if none is not None and str(name).startswith("speedup"):
            continue
        ratios = values if none is None else [value / bare for value, bare in zip(values, none, strict=True)]
        yield from _series(setup, str(name), loads, ratios)


def _eagle_by_batch(setup: str, table: Mapping[str, Any]) -> Iterator[PublishedPoint]:
    """Batch 1 and the abstract's largest batch are published; the rest was written down from memory."""
    alone, rows = table["batch1_tok_s"], table.get("by_batch", {})
    batches: Sequence[float] = rows.get("batch", [])
    for name, rate in alone.items():
        if name == "none":
            continue
        yield PublishedPoint(setup, str(name), 1, rate / alone["none"])
        for batch, value in zip(batches, rows.get(name, []), strict=False):
            if value is not None:
                stated = batch == 64 and value == table.get("batch64_speedup")
                yield PublishedPoint(setup, str(name), batch, value, from_memory=not stated)
    for name in rows:
        if name != "batch" and name not in alone:
            for batch, value in zip(batches, rows[name], strict=False):
                if value is not None:
                    yield PublishedPoint(setup, str(name), batch, value, from_memory=True)


def _series(
    setup: str, name: str, loads: Sequence[float], values: Sequence[float | None]
) -> Iterator[PublishedPoint]:
    for load, value in zip(loads, values, strict=True):
        if value is not None:
            yield PublishedPoint(setup, name, load, value)
