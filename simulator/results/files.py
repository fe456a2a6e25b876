"""Writes a result to a folder and reads it back.

=====================  ==============================================================
summary.json           all figures under vLLM's keys; versions and times under ``meta``
requests.parquet       one row per ended request (``.csv`` without pyarrow)
waits.parquet          one row per time that a request waited outside a replica, where any did
tasks.parquet          one row per ended task, where a strategy of test-time compute ran
windows-POOL.parquet   sums per window of simulated time
steps-POOL.parquet     every engine step, where they were recorded
scenario.yaml          the scenario as it was run
recording.json         what the tables cannot hold: context, pools, histograms
=====================  ==============================================================

The folder appears whole or not at all: everything is written beside it and then renamed. The same scenario
and seed give the same files, but for the ``meta`` block of ``summary.json``.
"""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from types import NoneType
from typing import Any
from urllib.parse import quote

import numpy as np

from simulator.errors import InputError, nearest
from simulator.results import tables
from simulator.results.context import RunContext
from simulator.results.recording import NEVER, NO_WAITS, PoolRecording, Recording, TaskRecording, WaitColumns
from simulator.results.recording_json import pool_dict, pool_from, tasks_dict, transfers_from
from simulator.results.result import Result, RunMeta
from simulator.results.summary import summarise
from simulator.results.table_files import read_table, write_table
from simulator.units.yaml_file import read_mapping

SUMMARY, RECORDING, SCENARIO = "summary.json", "recording.json", "scenario.yaml"
#: Written into recording.json; changes whenever a file's layout does so that older files can't be read.
FORMAT = "simulator-result/1"
#: Rows turned into one piece of a table at a time, which bounds the memory of writing.
CHUNK_ROWS = 1_000_000

#: Writes something more about a result into its folder (a report, a timeline).
Extra = Callable[[Result, Path], object]


def write_result(result: Result, out_dir: str | Path, also: Iterable[Extra] = ()) -> Path:
    """Writes a result into ``out_dir`` and returns it.

    An earlier result there is replaced. ``also`` are called with the result and the unfinished folder, so
    that what they write appears together with the rest.

    Raises
    ------
    InputError
        Where ``out_dir`` exists and holds something other than a result, or cannot be written.
    """
    target = Path(out_dir)
    _check_target(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise InputError(f"cannot write there: {error.strerror}", file=target) from None
    try:
        _write_files(result, folder)
        for extra in also:
            extra(result, folder)
        folder.chmod(0o755)  # mkdtemp makes a private folder
        _put_in_place(folder, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return target


def read_result(folder: str | Path) -> Result:
    """Reads what ``write_result`` wrote; the figures are computed again from the columns.

    Raises
    ------
    InputError
        Where the folder or one of its files is missing, or not what ``write_result`` writes.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError("no such folder; a folder written by 'simulator run --out' is needed", file=folder)
    about = _read_json(folder / RECORDING)
    if about.get("format") != FORMAT:
        raise InputError(
            f"format {about.get('format')!r} found, {FORMAT!r} expected",
            file=folder / RECORDING,
            key="format",
        )
    made = _made(folder / SUMMARY)
    try:
        context = RunContext.from_dict(about["context"])
        requests = read_table(folder, "requests")
        recording = Recording(
            requests=tables.requests_from(requests),
            pools=tuple(_read_pool(folder, pool) for pool in about["pools"]),
            end_ns=about["end_ns"],
            unfinished=about["unfinished"],
            transfers=transfers_from(about.get("transfers")),
            tasks=_read_tasks(folder, about.get("tasks"), requests),
            waits=_read_waits(folder, about.get("waits", 0)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"not a whole result: {error!r}", file=folder) from None
    return Result(read_mapping(folder / SCENARIO), summarise(recording, context), recording, context, made)


def _made(file: Path) -> RunMeta:
    """Versions and times of a summary; its figures are not read, for the columns give them again."""
    meta = _read_json(file).get("meta")
    if not isinstance(meta, dict):
        found = "nothing" if meta is None else type(meta).__name__
        raise InputError(
            f"{found} found where the versions and times of a run are expected", file=file, key="meta"
        )
    kinds: dict[str, tuple[type, ...]] = {
        "simulator_version": (str,),
        "python_version": (str,),
        "wall_s": (int, float, NoneType),
        "created": (str, NoneType),
    }
    for key, value in meta.items():
        if key not in kinds:
            raise InputError(f"unknown key{nearest(key, kinds)}", file=file, key=f"meta.{key}")
        if not isinstance(value, kinds[key]):
            raise InputError(
                f"{value!r} found, {_expected(kinds[key])} expected", file=file, key=f"meta.{key}"
            )
    return RunMeta(**meta)


def _expected(kinds: tuple[type, ...]) -> str:
    names = {str: "a text", int: "a number", NoneType: "null"}
    return " or ".join(names[kind] for kind in kinds if kind in names)


def as_json(value: Any) -> str:
    """JSON text with None for what is not a finite number, and a final newline."""
    return json.dumps(_finite(value), indent=2, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    """NaN and infinities would not be JSON: the unknown is null."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _check_target(target: Path) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise InputError("a file of that name is in the way of the output folder", file=target)
    if any(target.iterdir()) and not (target / SUMMARY).is_file():
        raise InputError(
            "the folder holds other files; give an empty, new or earlier output folder", file=target
        )


def _put_in_place(folder: Path, target: Path) -> None:
    """Renames the finished folder to its name, setting an earlier result aside until that worked."""
    if not target.exists():
        folder.rename(target)
        return
    aside = folder.with_name(folder.name + "-old")
    target.rename(aside)
    try:
        folder.rename(target)
    except OSError:
        aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _write_files(result: Result, folder: Path) -> None:
    import yaml

    recording = result.recording
    write_table(folder, "requests", _request_pieces(recording))
    if len(recording.waits.request):
        write_table(folder, "waits", [tables.wait_columns(recording.waits)])
    if recording.tasks is not None:
        write_table(folder, "tasks", [tables.task_columns(recording.tasks.columns)])
    for pool in recording.pools:
        write_table(folder, _pool_file("windows", pool.name), [tables.window_columns(pool)])
        if pool.step_table is not None:
            write_table(folder, _pool_file("steps", pool.name), [tables.step_columns(pool.step_table)])
    about = {
        "format": FORMAT,
        "context": result.context.to_dict(),
        "end_ns": recording.end_ns,
        "unfinished": recording.unfinished,
        "pools": [pool_dict(pool) for pool in recording.pools],
        "waits": len(recording.waits.request),
        "tasks": tasks_dict(recording.tasks),
        "transfers": None if recording.transfers is None else asdict(recording.transfers),
    }
    (folder / RECORDING).write_text(as_json(about))
    (folder / SCENARIO).write_text(yaml.safe_dump(result.scenario, sort_keys=False, allow_unicode=True))
    (folder / SUMMARY).write_text(as_json(result.to_dict()))


def _pool_file(kind: str, pool: str) -> str:
    """File name of a pool's table; a slash or colon in the pool's name must not become a path."""
    return f"{kind}-{quote(pool, safe=' ')}"


def _request_pieces(recording: Recording) -> Iterator[dict[str, tables.Column]]:
    requests = recording.requests
    for start in range(0, max(len(requests.request), 1), CHUNK_ROWS):
        part = slice(start, start + CHUNK_ROWS)
        piece = type(requests)(**{name: getattr(requests, name)[part] for name in requests.__slots__})
        yield tables.request_columns(piece, recording.tasks)


def _read_pool(folder: Path, about: dict[str, Any]) -> PoolRecording:
    name = about["name"]
    windows = read_table(folder, _pool_file("windows", name))
    steps = read_table(folder, _pool_file("steps", name)) if about["has_step_table"] else None
    return pool_from(about, windows, steps)


def _read_waits(folder: Path, count: int) -> WaitColumns:
    """Those that the recording says there are; results from before they were kept say nothing."""
    return tables.waits_from(read_table(folder, "waits")) if count else NO_WAITS


def _read_tasks(
    folder: Path, about: dict[str, Any] | None, requests: dict[str, tables.Column]
) -> TaskRecording | None:
    """The tasks, and which of them each call belongs to (as far as it had ended)."""
    if about is None:
        return None
    number = requests["request"].astype(np.int64)
    task_of_request = np.full(int(number.max()) + 1 if len(number) else 0, NEVER, dtype=np.int64)
    task_of_request[number] = requests["task"].astype(np.int64)
    return TaskRecording(tables.tasks_from(read_table(folder, "tasks")), task_of_request, **about)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_read_text(path))
    except ValueError as error:
        raise InputError(f"not JSON: {error}", file=path) from None
    if not isinstance(found, dict):
        raise InputError(f"a JSON object is expected, {type(found).__name__} found", file=path)
    return found


def _read_text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        folder = path.parent.resolve()
        raise InputError(
            f"missing from the result in {folder}; 'simulator run --out' writes such a folder", file=path
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", file=path) from None
