"""Recorded columns as pandas tables, in seconds and tokens.

Times are seconds [s] since the start, NaN where they never came. A time below 2**52 ns (52 days) survives
the way to float seconds and back exactly, so the tables can be read back into columns without loss.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.latency.pricer import BOUNDS
from simulator.results.latencies import latencies_of
from simulator.results.recording import (
    NEVER,
    STATUSES,
    WAIT_CAUSES,
    Floats,
    Ints,
    PoolRecording,
    RequestColumns,
    StepTable,
    StepWindows,
    TaskColumns,
    TaskRecording,
    WaitColumns,
)

if TYPE_CHECKING:
    import pandas as pd

#: Columns of the request table that hold times, and the recorded column each comes from.
TIMES = {
    "arrival_s": "arrival_ns",
    "first_scheduled_s": "first_scheduled_ns",
    "first_token_s": "first_token_ns",
    "first_answer_s": "first_answer_ns",
    "finish_s": "finish_ns",
}
#: Columns of the request table that hold the recorded integers as they are.
COUNTS = (
    "prompt_tokens",
    "output_tokens",
    "thinking_tokens",
    "cached_tokens",
    "preemptions",
    "pool",
    "replica",
    "tenant",
    "attempts",
)
#: Columns of the task table: recorded times, and integers as they are.
TASK_TIMES = tuple(name for name in TaskColumns.__slots__ if name.endswith("_ns"))
TASK_COUNTS = tuple(name for name in TaskColumns.__slots__ if not name.endswith("_ns"))
_STEP_COUNTS = (
    "prefill_tokens",
    "prefill_sequences",
    "prefill_context",
    "prefill_products",
    "decode_sequences",
    "decode_tokens",
    "decode_context",
    "kv_blocks",
    "waiting",
)

Column = NDArray[np.float64] | NDArray[np.int64] | NDArray[np.str_] | NDArray[np.object_]


def seconds(times_ns: Ints) -> Floats:
    """Times [ns] as seconds [s], NaN where they never came."""
    return np.where(times_ns == NEVER, np.nan, times_ns / 1e9)


def nanoseconds(times_s: Floats) -> Ints:
    """The inverse of ``seconds``."""
    return np.where(np.isnan(times_s), NEVER, np.rint(np.nan_to_num(times_s) * 1e9)).astype(np.int64)


def request_columns(requests: RequestColumns, tasks: TaskRecording | None = None) -> dict[str, Column]:
    """Columns of the request table, in order.

    ``request``, ``status`` (name), ``arrival_s`` ... ``finish_s`` [s], tokens, ``preemptions``, ``pool`` and
    ``replica`` (indices), then the derived ``queue_s``, ``ttft_s``, ``tpot_s`` and ``e2e_s`` [s]. Where there
    are tasks, ``task`` says whose call it is.
    """
    derived = latencies_of(requests)
    return {
        "request": requests.request,
        "status": np.array(STATUSES)[requests.status],
        **{name: seconds(getattr(requests, source)) for name, source in TIMES.items()},
        **{name: getattr(requests, name) for name in COUNTS},
        "queue_s": derived.queue / 1e3,
        "ttft_s": derived.ttft / 1e3,
        "tpot_s": derived.tpot / 1e3,
        "e2e_s": derived.e2e / 1e3,
        **({} if tasks is None else {"task": tasks.task_of_request[requests.request]}),
    }


def task_columns(tasks: TaskColumns) -> dict[str, Column]:
    """Columns of the task table: the recorded ones, times in seconds, and the derived ``e2e_s`` [s].

    ``right`` is 1, 0 or -1 where no quality curve applies.
    """
    times = {name.removesuffix("_ns") + "_s": seconds(getattr(tasks, name)) for name in TASK_TIMES}
    counts = {name: getattr(tasks, name) for name in TASK_COUNTS}
    return {**counts, **times, "e2e_s": times["finish_s"] - times["arrival_s"]}


def tasks_from(columns: dict[str, Column]) -> TaskColumns:
    """The inverse of ``task_columns``. Raises KeyError on other columns.

    Results from before trees could be cut by a depth lack that column: no task of theirs counts as cut.
    """
    columns = {"cut_by_depth": np.zeros(len(columns["task"]), dtype=np.int64), **columns}
    return TaskColumns(
        **{name: nanoseconds(columns[name.removesuffix("_ns") + "_s"].astype(float)) for name in TASK_TIMES},
        **{name: _integers(columns[name]) for name in TASK_COUNTS},
    )


def wait_columns(waits: WaitColumns) -> dict[str, Column]:
    """Columns of the table of waits: ``request``, ``cause`` (name), times [s], and who holds the KV cache."""
    return {
        "request": waits.request,
        "cause": np.array(WAIT_CAUSES)[waits.cause],
        "begin_s": seconds(waits.begin_ns),
        "end_s": seconds(waits.end_ns),
        "pool": waits.pool,
        "replica": waits.replica,
    }


def waits_from(columns: dict[str, Column]) -> WaitColumns:
    """The inverse of ``wait_columns``. Raises KeyError or ValueError on other columns."""
    known = {name: code for code, name in enumerate(WAIT_CAUSES)}
    return WaitColumns(
        cause=np.array([known[str(name)] for name in columns["cause"]], dtype=np.int64),
        begin_ns=nanoseconds(columns["begin_s"].astype(float)),
        end_ns=nanoseconds(columns["end_s"].astype(float)),
        **{name: _integers(columns[name]) for name in ("request", "pool", "replica")},
    )


def window_columns(pool: PoolRecording) -> dict[str, Column]:
    """Columns of a pool's windows: the start and the sums over all steps that end inside, all in SI units."""
    windows = pool.windows
    return {
        "start_s": np.arange(len(windows.steps), dtype=np.float64) * (windows.width_ns / 1e9),
        "steps": windows.steps,
        "busy_s": windows.busy_ns / 1e9,
        "prefill_s": windows.prefill_ns / 1e9,
        "prefill_tokens": windows.prefill_tokens,
        "decode_tokens": windows.decode_tokens,
        "batch_seconds": windows.batch_ns / 1e9,
        "kv_block_seconds": windows.kv_blocks_ns / 1e9,
        "waiting_seconds": windows.waiting_ns / 1e9,
        "prefill_j": windows.prefill_j,
        "decode_j": windows.decode_j,
        **{f"bound_{name}_s": windows.bound_ns[:, i] / 1e9 for i, name in enumerate(BOUNDS)},
    }


def windows_from(columns: dict[str, Column], width_ns: int) -> StepWindows:
    """The inverse of ``window_columns``, for windows of ``width_ns``. Raises KeyError on other columns."""

    def ns(name: str) -> Floats:
        return columns[name].astype(float) * 1e9

    return StepWindows(
        width_ns=width_ns,
        steps=_integers(columns["steps"]),
        busy_ns=np.rint(ns("busy_s")).astype(np.int64),
        prefill_ns=np.rint(ns("prefill_s")).astype(np.int64),
        prefill_tokens=_integers(columns["prefill_tokens"]),
        decode_tokens=_integers(columns["decode_tokens"]),
        batch_ns=ns("batch_seconds"),
        kv_blocks_ns=ns("kv_block_seconds"),
        waiting_ns=ns("waiting_seconds"),
        prefill_j=columns["prefill_j"].astype(float),
        decode_j=columns["decode_j"].astype(float),
        bound_ns=np.stack([ns(f"bound_{bound}_s") for bound in BOUNDS], axis=1),
    )


def step_columns(table: StepTable) -> dict[str, Column]:
    """Columns of a step table: replica, start and duration [s], then the aggregates of the step."""
    return {
        "replica": table.replica,
        "start_s": table.start_ns / 1e9,
        "duration_s": table.duration_ns / 1e9,
        **{name: getattr(table, name) for name in _STEP_COUNTS},
    }


def requests_from(columns: dict[str, Column]) -> RequestColumns:
    """The inverse of ``request_columns``. Raises KeyError or ValueError on other columns."""
    known = {name: code for code, name in enumerate(STATUSES)}
    return RequestColumns(
        request=_integers(columns["request"]),
        status=np.array([known[str(name)] for name in columns["status"]], dtype=np.int64),
        **{source: nanoseconds(columns[name].astype(float)) for name, source in TIMES.items()},
        **{name: _integers(columns[name]) for name in COUNTS},
    )


def steps_from(columns: dict[str, Column]) -> StepTable:
    """The inverse of ``step_columns``. Raises KeyError or ValueError on other columns."""
    return StepTable(
        replica=_integers(columns["replica"]),
        start_ns=nanoseconds(columns["start_s"].astype(float)),
        duration_ns=nanoseconds(columns["duration_s"].astype(float)),
        **{name: _integers(columns[name]) for name in _STEP_COUNTS},
    )


def frame(columns: dict[str, Column]) -> pd.DataFrame:
    """Columns as a DataFrame."""
    import pandas as pd

    return pd.DataFrame(columns)


def _integers(column: Column) -> Ints:
    return column.astype(np.int64)
