"""Writes a result to a folder and reads it back.

=====================  ==============================================================
summary.json           all figures under vLLM's keys; versions and times under ``meta``
requests.parquet       one row per ended request (``.csv`` without pyarrow)
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
from simulator.latency.pricer import BOUNDS
from simulator.results import tables
from simulator.results.context import RunContext
from simulator.results.recording import (
    NEVER,
    DraftingRecord,
    FleetRecording,
    KvTierRecording,
    LatencyHistogram,
    LinkRecording,
    PoolRecording,
    Recording,
    StepWindows,
    TaskRecording,
    TransferRecording,
)
from simulator.results.result import Result, RunMeta
from simulator.results.summary import summarise

SUMMARY, RECORDING, SCENARIO = "summary.json", "recording.json", "scenario.yaml"
#: Written into recording.json; changes whenever a file's layout does.
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
        requests = _read_table(folder, "requests")
        recording = Recording(
            requests=tables.requests_from(requests),
            pools=tuple(_read_pool(folder, pool) for pool in about["pools"]),
            end_ns=about["end_ns"],
            unfinished=about["unfinished"],
            transfers=_transfers_from(about.get("transfers")),
            tasks=_read_tasks(folder, about.get("tasks"), requests),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"not a whole result: {error!r}", file=folder) from None
    return Result(_read_yaml(folder / SCENARIO), summarise(recording, context), recording, context, made)


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
    _write_table(folder, "requests", _request_pieces(recording))
    if recording.tasks is not None:
        _write_table(folder, "tasks", [tables.task_columns(recording.tasks.columns)])
    for pool in recording.pools:
        _write_table(folder, _pool_file("windows", pool.name), [tables.window_columns(pool)])
        if pool.step_table is not None:
            _write_table(folder, _pool_file("steps", pool.name), [tables.step_columns(pool.step_table)])
    about = {
        "format": FORMAT,
        "context": result.context.to_dict(),
        "end_ns": recording.end_ns,
        "unfinished": recording.unfinished,
        "pools": [_pool_dict(pool) for pool in recording.pools],
        "tasks": _tasks_dict(recording.tasks),
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


def _tasks_dict(tasks: TaskRecording | None) -> dict[str, Any] | None:
    """What the task table cannot hold."""
    if tasks is None:
        return None
    return {"unfinished": tasks.unfinished, "strategy": tasks.strategy, "quality": tasks.quality}


def _transfers_from(about: dict[str, Any] | None) -> TransferRecording | None:
    if about is None:
        return None
    links = tuple(LinkRecording(**link) for link in about["links"])
    return TransferRecording(**{**about, "links": links})


def _read_tasks(
    folder: Path, about: dict[str, Any] | None, requests: dict[str, tables.Column]
) -> TaskRecording | None:
    """The tasks, and which of them each call belongs to (as far as it had ended)."""
    if about is None:
        return None
    number = requests["request"].astype(np.int64)
    task_of_request = np.full(int(number.max()) + 1 if len(number) else 0, NEVER, dtype=np.int64)
    task_of_request[number] = requests["task"].astype(np.int64)
    return TaskRecording(tables.tasks_from(_read_table(folder, "tasks")), task_of_request, **about)


def _write_table(folder: Path, name: str, pieces: Iterable[dict[str, tables.Column]]) -> None:
    """Parquet where pyarrow is there, CSV otherwise; the pieces follow one another."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        _write_csv(folder / f"{name}.csv", pieces)
        return
    writer = None
    for columns in pieces:
        # NaN marks what never came; in Parquet that is a null.
        table = pa.table({key: pa.array(column, from_pandas=True) for key, column in columns.items()})
        writer = writer or pq.ParquetWriter(folder / f"{name}.parquet", table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _write_csv(path: Path, pieces: Iterable[dict[str, tables.Column]]) -> None:
    for index, columns in enumerate(pieces):
        tables.frame(columns).to_csv(path, mode="a", header=index == 0, index=False)


def _read_table(folder: Path, name: str) -> dict[str, tables.Column]:
    import pandas as pd

    for path, read in ((folder / f"{name}.parquet", _read_parquet), (folder / f"{name}.csv", pd.read_csv)):
        if path.is_file():
            try:
                table = read(path)
            # The readers raise many kinds of error for a file that is not theirs.
            except Exception as error:
                raise InputError(f"cannot be read as a table: {error}", file=path) from None
            return {str(column): table[column].to_numpy() for column in table.columns}
    raise InputError("missing from the result", file=folder / f"{name}.parquet")


def _read_parquet(path: Path) -> Any:
    try:
        import pyarrow.parquet as pq
    except ImportError:
        raise InputError(
            "reading Parquet needs pyarrow: pip install 'simulator[parquet]'", file=path
        ) from None
    return pq.read_table(path).to_pandas()


def _pool_dict(pool: PoolRecording) -> dict[str, Any]:
    filled = np.flatnonzero(pool.inter_token.count)
    return {
        "name": pool.name,
        "replicas": pool.replicas,
        "kv_blocks_per_replica": pool.kv_blocks_per_replica,
        "block_size": pool.block_size,
        "steps": pool.steps,
        "prefix_queried_tokens": pool.prefix_queried_tokens,
        "prefix_hit_tokens": pool.prefix_hit_tokens,
        "preemptions": pool.preemptions,
        "drafting": None if pool.drafting is None else asdict(pool.drafting),
        "kv_tiers": [asdict(tier) for tier in pool.kv_tiers],
        "fleet": None if pool.fleet is None else _fleet_dict(pool.fleet),
        "window_ns": pool.windows.width_ns,
        "has_step_table": pool.step_table is not None,
        "inter_token": {
            "lowest_ns": pool.inter_token.lowest_ns,
            "ratio": pool.inter_token.ratio,
            "bins": len(pool.inter_token.count),
            "filled": [[int(i), int(pool.inter_token.count[i])] for i in filled],
            "sum_ns": int(pool.inter_token.sum_ns),
            "total": int(pool.inter_token.total),
        },
    }


def _read_pool(folder: Path, about: dict[str, Any]) -> PoolRecording:
    name = about["name"]
    has_steps = about["has_step_table"]
    scalars = ("replicas", "kv_blocks_per_replica", "block_size", "steps", "prefix_queried_tokens")
    return PoolRecording(
        name=name,
        **{key: about[key] for key in (*scalars, "prefix_hit_tokens", "preemptions")},
        windows=_windows_from(_read_table(folder, _pool_file("windows", name)), about["window_ns"]),
        inter_token=_histogram_from(about["inter_token"]),
        step_table=tables.steps_from(_read_table(folder, _pool_file("steps", name))) if has_steps else None,
        drafting=_drafting_from(about.get("drafting")),
        kv_tiers=tuple(KvTierRecording(**tier) for tier in about.get("kv_tiers", ())),
        fleet=_fleet_from(about.get("fleet")),
    )


def _drafting_from(about: dict[str, Any] | None) -> DraftingRecord | None:
    if about is None:
        return None
    return DraftingRecord(about["verifications"], about["drafted"], tuple(about["accepted_by_position"]))


#: What varies with time in the record of a fleet.
_FLEET_SERIES = ("time_ns", "on", "serving", "down")


def _fleet_dict(fleet: FleetRecording) -> dict[str, Any]:
    series = {key: getattr(fleet, key).tolist() for key in _FLEET_SERIES}
    return {**{key: getattr(fleet, key) for key in fleet.__slots__}, **series}


def _fleet_from(about: dict[str, Any] | None) -> FleetRecording | None:
    if about is None:
        return None
    series: dict[str, Any] = {key: np.array(about[key], dtype=np.int64) for key in _FLEET_SERIES}
    return FleetRecording(**{**about, **series})


def _windows_from(columns: dict[str, tables.Column], width_ns: int) -> StepWindows:
    def ns(name: str) -> Any:
        return columns[name].astype(float) * 1e9

    return StepWindows(
        width_ns=width_ns,
        steps=columns["steps"].astype(np.int64),
        busy_ns=np.rint(ns("busy_s")).astype(np.int64),
        prefill_ns=np.rint(ns("prefill_s")).astype(np.int64),
        prefill_tokens=columns["prefill_tokens"].astype(np.int64),
        decode_tokens=columns["decode_tokens"].astype(np.int64),
        batch_ns=ns("batch_seconds"),
        kv_blocks_ns=ns("kv_block_seconds"),
        waiting_ns=ns("waiting_seconds"),
        prefill_j=columns["prefill_j"].astype(float),
        decode_j=columns["decode_j"].astype(float),
        bound_ns=np.stack([ns(f"bound_{bound}_s") for bound in BOUNDS], axis=1),
    )


def _histogram_from(about: dict[str, Any]) -> LatencyHistogram:
    count = np.zeros(about["bins"], dtype=np.int64)
    for index, tokens in about["filled"]:
        count[index] = tokens
    return LatencyHistogram(about["lowest_ns"], about["ratio"], count, about["sum_ns"], about["total"])


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_read_text(path))
    except ValueError as error:
        raise InputError(f"not JSON: {error}", file=path) from None
    if not isinstance(found, dict):
        raise InputError(f"a JSON object is expected, {type(found).__name__} found", file=path)
    return found


def _read_yaml(path: Path) -> dict[str, Any]:
    import yaml

    try:
        found = yaml.safe_load(_read_text(path))
    except yaml.YAMLError:
        raise InputError("not YAML", file=path) from None
    if not isinstance(found, dict):
        raise InputError(f"a mapping is expected, {type(found).__name__} found", file=path)
    return found


def _read_text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        raise InputError("missing from the result", file=path) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", file=path) from None
