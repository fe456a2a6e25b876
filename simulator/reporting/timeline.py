"""Timeline of a run for chrome://tracing and ui.perfetto.dev (Chrome's trace event format, JSON).

One process per pool; in it one thread per replica with its steps (where they were recorded) and counters
for waiting requests and KV blocks, and one row per request in flight with its phases (queue, prefill,
decode). Times are microseconds [us], as the format asks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from simulator.results.latencies import is_finished
from simulator.results.recording import PoolRecording, RequestColumns
from simulator.results.result import Result

#: Most steps per pool and most requests that are written: viewers get slow beyond that.
MOST_STEPS = 100_000
MOST_REQUESTS = 20_000
FILE = "timeline.json"

Event = dict[str, Any]


def write_timeline(result: Result, path: str | Path) -> Path:
    """Writes the timeline to ``path``; a folder gets ``timeline.json`` in it."""
    path = Path(path)
    target = path / FILE if path.is_dir() else path
    with target.open("w") as out:
        out.write('{"displayTimeUnit": "ms", "traceEvents": [\n')
        for index, event in enumerate(events_of(result)):
            out.write((",\n" if index else "") + json.dumps(event))
        out.write("\n]}\n")
    return target


def events_of(result: Result) -> Iterator[Event]:
    """All events of a result: names of the rows, steps, counters, requests."""
    for index, pool in enumerate(result.recording.pools):
        yield {"ph": "M", "pid": index, "name": "process_name", "args": {"name": f"pool {pool.name}"}}
        for replica in range(pool.replicas):
            name = {"name": f"replica {replica}"}
            yield {"ph": "M", "pid": index, "tid": replica, "name": "thread_name", "args": name}
        yield from _steps(index, pool)
    yield from _requests(result.recording.requests)


def _steps(pid: int, pool: PoolRecording) -> Iterator[Event]:
    table = pool.step_table
    if table is None:
        return
    for i in range(min(len(table.replica), MOST_STEPS)):
        replica = int(table.replica[i])
        start_us = int(table.start_ns[i]) / 1e3
        prefill, decode = int(table.prefill_tokens[i]), int(table.decode_tokens[i])
        yield {
            "ph": "X",
            "pid": pid,
            "tid": replica,
            "ts": start_us,
            "dur": int(table.duration_ns[i]) / 1e3,
            "cat": "step",
            "name": _step_name(prefill, decode),
            "args": {
                "prefill_tokens": prefill,
                "prefill_sequences": int(table.prefill_sequences[i]),
                "decode_sequences": int(table.decode_sequences[i]),
                "decode_context": int(table.decode_context[i]),
            },
        }
        use = {"waiting": int(table.waiting[i]), "kv_blocks": int(table.kv_blocks[i])}
        yield {"ph": "C", "pid": pid, "ts": start_us, "name": f"replica {replica}", "args": use}


def _step_name(prefill: int, decode: int) -> str:
    if prefill and decode:
        return "mixed"
    return "prefill" if prefill else "decode"


def _requests(requests: RequestColumns) -> Iterator[Event]:
    """Finished requests as nested asynchronous events: the whole request around its three phases."""
    chosen = is_finished(requests).nonzero()[0]
    for i in islice(chosen, MOST_REQUESTS):
        name = f"request {int(requests.request[i])}"
        about = {
            "prompt_tokens": int(requests.prompt_tokens[i]),
            "output_tokens": int(requests.output_tokens[i]),
            "cached_tokens": int(requests.cached_tokens[i]),
            "preemptions": int(requests.preemptions[i]),
            "replica": int(requests.replica[i]),
        }
        times = (
            requests.arrival_ns[i],
            requests.first_scheduled_ns[i],
            requests.first_token_ns[i],
            requests.finish_ns[i],
        )
        arrival, scheduled, first_token, finish = (int(t) / 1e3 for t in times)
        common = {"pid": int(requests.pool[i]), "cat": "request", "id": int(requests.request[i])}
        yield {**common, "ph": "b", "ts": arrival, "name": name, "args": about}
        phases = (
            ("queue", arrival, scheduled),
            ("prefill", scheduled, first_token),
            ("decode", first_token, finish),
        )
        for phase, start, end in phases:
            yield {**common, "ph": "b", "ts": start, "name": phase}
            yield {**common, "ph": "e", "ts": end, "name": phase}
        yield {**common, "ph": "e", "ts": finish, "name": name}
