"""The scheduler oracle's scenarios and traces: reading them, and writing the same records from a replay.

A scenario lists engine settings, a linear step cost, requests (prompt as segments
``[stream, length]`` or ``[stream, length, offset]``) and aborts; a trace lists every step
of the real vLLM scheduler on it. Times are integer nanoseconds.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.engine.content import canonical
from simulator.engine.replica import Replica
from simulator.engine.request import NEVER, Request
from simulator.engine.scheduler.plan import StepPlan
from simulator.engine.settings import EngineSettings
from simulator.errors import InputError, nearest

Record = dict[str, Any]

SCENARIO_SUFFIX = ".scenario.json"
TRACE_SUFFIX = ".trace.jsonl.gz"
#: The oracle script's defaults for what a scenario leaves out.
ENGINE_DEFAULTS: Record = {"num_gpu_blocks": 1001}
STEP_TIME_DEFAULTS: dict[str, int] = {
    "base_ns": 5_000_000,
    "prefill_token_ns": 50_000,
    "decode_token_ns": 100_000,
    "context_token_ns": 100,
    "prefill_attn_ns": 0,
}


@dataclass(frozen=True)
class OracleScenario:
    """One scenario, checked."""

    name: str
    settings: EngineSettings
    step_time: dict[str, int]
    requests: list[Record]
    aborts: list[tuple[int, str]]


def read_scenario(path: Path) -> OracleScenario:
    """Read a scenario file (JSON).

    Raises
    ------
    InputError
        For unreadable files, unknown engine or cost keys, requests that cannot fit.
    """
    try:
        data = json.loads(path.read_text())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"not a readable scenario: {error}", file=path) from None
    if not isinstance(data, dict) or not isinstance(data.get("requests"), list):
        raise InputError("a scenario is a mapping with a list `requests`", file=path)
    engine = ENGINE_DEFAULTS | data.get("engine", {})
    _check_keys(engine, [f.name for f in dataclasses.fields(EngineSettings)], path, "engine")
    step_time = data.get("step_time", {})
    _check_keys(step_time, STEP_TIME_DEFAULTS, path, "step_time")
    settings = EngineSettings(**engine)
    scenario = OracleScenario(
        name=data.get("name") or path.name.removesuffix(SCENARIO_SUFFIX),
        settings=settings,
        step_time=STEP_TIME_DEFAULTS | step_time,
        requests=data["requests"],
        aborts=sorted((int(t), str(rid)) for t, rid in data.get("aborts", [])),
    )
    if settings.usable_blocks * settings.block_size < settings.max_model_len:
        raise InputError("num_gpu_blocks - 1 blocks must hold one max_model_len request", file=path, key="engine")
    return scenario


def _check_keys(found: Record, known: Any, path: Path, where: str) -> None:
    for key in found:
        if key not in known:
            raise InputError(f"unknown key{nearest(key, known)}", file=path, key=f"{where}.{key}")


def read_trace(path: Path) -> list[Record]:
    """All records of a trace, in order."""
    try:
        with gzip.open(path, "rt") as lines:
            return [json.loads(line) for line in lines]
    except (OSError, EOFError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"not a readable trace: {error}", file=path) from None


def build_request(index: int, record: Record, on_end: Callable[[Request], None] | None = None) -> Request:
    """A scenario's request as the engine takes it; its output is the stream ``out:ID``."""
    name = record["id"]
    pieces = [(seg[0], seg[2] if len(seg) > 2 else 0, seg[1]) for seg in record["prompt"]]
    prompt_tokens = sum(length for _, _, length in pieces)
    output_tokens = record["output_tokens"]
    return Request(
        index,
        record["arrival_ns"],
        prompt_tokens,
        output_tokens,
        name=name,
        content=canonical([*pieces, (f"out:{name}", 0, output_tokens)]),
        max_tokens=record.get("max_tokens", output_tokens),
        priority=record.get("priority", 0),
        accepted_drafts=tuple(record.get("spec_accept") or ()),
        on_end=on_end,
    )


class TraceWriter:
    """Writes the oracle's records while a replica runs (an `engine.replica.Observer`)."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.token_ns: dict[str, list[int]] = {}
        self._open: dict[int, Record] = {}
        self._stats = [0] * 6
        self._steps = 0

    def composed(self, replica: Replica, plan: StepPlan, now: int) -> None:
        counts = replica.counts()
        speculative = replica.settings.num_speculative_tokens
        entries = []
        for request, scheduled, start, decode, drafts in plan.entries:
            entry = [request.name, scheduled, start, "d" if decode else "p"]
            entries.append([*entry, drafts] if speculative else entry)
        self._open[id(plan)] = {
            "type": "step",
            "sched_ns": now,
            "start_ns": plan.start_ns,
            "end_ns": plan.end_ns,
            "tokens": plan.tokens,
            "prefill_tokens": plan.prefill_tokens,
            "decode_tokens": plan.decode_tokens,
            "context_tokens": plan.prefill_context + plan.decode_context,
            "reqs": entries,
            "admitted": [
                [request.name, start, "resumed" if resumed else "new"] for request, start, resumed in plan.admitted
            ],
            "preempted": [request.name for request in plan.preempted],
            "running": counts.running,
            "waiting": counts.waiting,
            "free_blocks": counts.free_blocks,
            "cached_blocks": counts.cached_blocks,
        }

    def completed(
        self,
        replica: Replica,
        plan: StepPlan,
        emitted: list[tuple[Request, int]],
        finished: list[Request],
        aborted: list[Request],
    ) -> None:
        record = self._open.pop(id(plan))
        end = record["end_ns"]
        for request, tokens in emitted:
            self.token_ns.setdefault(request.name, []).extend([end] * tokens)
        counts = replica.counts()
        record["aborted"] = [request.name for request in aborted]
        record["emitted"] = [[request.name, tokens] for request, tokens in emitted]
        record["finished"] = [request.name for request in finished]
        record["free_blocks_end"] = counts.free_blocks
        record["running_end"] = counts.running
        record["waiting_end"] = counts.waiting
        stats = replica.prefix_stats.values()
        since = [new - old for new, old in zip(stats, self._stats, strict=True)]
        self._stats = stats
        if any(since):
            record["prefix_stats"] = since
        if record["tokens"] or record["preempted"] or record["finished"] or record["aborted"]:
            record["i"] = self._steps
            self._steps += 1
            self.records.append(record)

    def aborted(self, replica: Replica, requests: list[Request], now: int) -> None:
        del replica
        self.records.append({"type": "abort", "t_ns": now, "ids": [request.name for request in requests]})

    def request_record(self, request: Request) -> Record:
        """The final record of one request."""

        def known(value: int) -> int | None:
            return None if value == NEVER else value

        return {
            "type": "request",
            "id": request.name,
            "arrival_ns": request.arrival_ns,
            "enqueued_ns": known(request.enqueued_ns),
            "prompt_tokens": request.prompt_tokens,
            "first_scheduled_ns": known(request.first_scheduled_ns),
            "first_token_ns": known(request.first_token_ns),
            "finish_ns": known(request.finish_ns),
            "token_ns": self.token_ns.get(request.name, []),
            "output_tokens": len(self.token_ns.get(request.name, [])),
            "cached_tokens": known(request.cached_tokens),
            "preemptions": request.preemptions,
            "finish_reason": request.finish_reason or None,
        }
