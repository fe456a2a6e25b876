"""The scheduler oracle's scenarios and traces: reading them, and writing the same records from a replay.

A scenario lists engine settings, a linear step cost, requests (prompt as segments
``[stream, length]`` or ``[stream, length, offset]``) and aborts; a trace lists every step
of the real vLLM scheduler on it. Times are integer nanoseconds.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from simulator.engine.content import canonical
from simulator.engine.replica import Replica
from simulator.engine.request import NEVER, Request
from simulator.engine.scheduler.plan import StepPlan
from simulator.engine.settings import EngineSettings
from simulator.errors import InputError, nearest, nearest_file
from simulator.scenario.backend import LinearBackendSpec
from simulator.scenario.spec import Count, CountOrZero, Spec
from simulator.units.explain import validate
from simulator.units.yaml_file import read_mapping
from simulator.workload.importers.text_file import opened

Record = dict[str, Any]

SCENARIO_SUFFIXES = (".scenario.json", ".scenario.yaml", ".scenario.yml")
TRACE_SUFFIXES = (".trace.jsonl.gz", ".trace.jsonl")


class OracleEngine(Spec):
    """Engine settings under vLLM's names, with the defaults of the oracle script."""

    block_size: Count = 16
    num_gpu_blocks: Annotated[Count, Field(ge=2)] = 1001
    max_model_len: Count = 4096
    max_num_seqs: Count = 128
    max_num_active_seqs: Count | None = None
    max_num_batched_tokens: Count = 2048
    max_num_scheduled_tokens: Count | None = None
    enable_chunked_prefill: bool = True
    enable_prefix_caching: bool = True
    policy: Literal["fcfs", "priority"] = "fcfs"
    long_prefill_token_threshold: CountOrZero = 0
    long_prefill_token_threshold_adaptive: bool = False
    scheduler_reserve_full_isl: bool = True
    watermark: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    async_scheduling: bool = False
    num_speculative_tokens: CountOrZero = 0

    @model_validator(mode="after")
    def _holds_one_request(self) -> Self:
        if (self.num_gpu_blocks - 1) * self.block_size < self.max_model_len:
            raise ValueError("num_gpu_blocks - 1 blocks must hold one request of max_model_len tokens")
        if not self.enable_chunked_prefill and self.max_num_batched_tokens < self.max_model_len:
            raise ValueError("without chunked prefill max_num_batched_tokens must be at least max_model_len")
        return self


class OracleStepTime(Spec):
    """Cost of a step in ns (see `LinearPricer`), with the defaults of the oracle script."""

    base_ns: CountOrZero = 5_000_000
    prefill_token_ns: CountOrZero = 50_000
    decode_token_ns: CountOrZero = 100_000
    context_token_ns: CountOrZero = 100
    prefill_attn_ns: CountOrZero = 0


class OracleRequest(BaseModel):
    """One request; labels of other programs are passed over."""

    model_config = ConfigDict(frozen=True)

    id: str
    arrival_ns: CountOrZero
    prompt: Annotated[tuple[tuple[str, Count] | tuple[str, Count, CountOrZero], ...], Field(min_length=1)]
    output_tokens: Count
    max_tokens: Count | None = None
    priority: int = 0
    spec_accept: tuple[CountOrZero, ...] = ()

    @property
    def prompt_tokens(self) -> int:
        """Length of the prompt [tokens]."""
        return sum(segment[1] for segment in self.prompt)


class OracleScenario(BaseModel):
    """One scenario. Requests keep the order of the file, which breaks ties."""

    model_config = ConfigDict(frozen=True)

    name: str = ""
    engine: OracleEngine = OracleEngine()
    step_time: OracleStepTime = OracleStepTime()
    requests: Annotated[tuple[OracleRequest, ...], Field(min_length=1)]
    aborts: tuple[tuple[CountOrZero, str], ...] = ()

    @model_validator(mode="after")
    def _names_are_names(self) -> Self:
        ids = {request.id for request in self.requests}
        if len(ids) < len(self.requests):
            raise ValueError("request ids must be unique")
        unknown = next((name for _, name in self.aborts if name not in ids), None)
        if unknown is not None:
            raise ValueError(f"aborts name {unknown!r}, which is no request{nearest(unknown, ids)}")
        longest = max(self.requests, key=lambda request: request.prompt_tokens)
        if longest.prompt_tokens >= self.engine.max_model_len:
            raise ValueError(
                f"the prompt of {longest.id!r} has {longest.prompt_tokens} tokens,"
                f" but must be shorter than max_model_len = {self.engine.max_model_len}"
            )
        return self

    @property
    def settings(self) -> EngineSettings:
        """As the engine takes them."""
        return EngineSettings(**self.engine.model_dump())

    @property
    def backend(self) -> LinearBackendSpec:
        """What its steps cost."""
        return LinearBackendSpec(**self.step_time.model_dump())


def read_scenario(path: Path) -> OracleScenario:
    """Read a scenario file (JSON or YAML).

    Raises
    ------
    InputError
        For unreadable files, unknown keys and values that no engine would start with.
    """
    scenario = validate(OracleScenario, _mapping(path), path)
    return scenario if scenario.name else scenario.model_copy(update={"name": scenario_name(path)})


def _mapping(path: Path) -> Record:
    if path.suffix != ".json":
        return read_mapping(path, "oracle scenario")
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise InputError(
            f"there is no such file{nearest_file(path)}; expected an oracle scenario", file=path
        ) from None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"not valid JSON: {error}", file=path) from None
    if not isinstance(content, dict):
        raise InputError("expected a mapping of keys to values (an oracle scenario)", file=path)
    return content


def is_scenario(path: Path) -> bool:
    """Whether a file is named like an oracle scenario."""
    return path.name.endswith(SCENARIO_SUFFIXES)


def scenario_name(path: Path) -> str:
    """The part of the file's name that its trace shares."""
    return path.name.rpartition(".scenario.")[0]


def read_trace(scenario: Path) -> list[Record]:
    """Records of the steps, aborts and requests of the trace beside a scenario, in order.

    Raises
    ------
    InputError
        Where there is no trace or it is damaged.
    """
    names = [scenario_name(scenario) + suffix for suffix in TRACE_SUFFIXES]
    path = next((found for name in names if (found := scenario.with_name(name)).is_file()), None)
    if path is None:
        raise InputError(f"the trace {names[0]} is missing beside it", file=scenario)
    try:
        with opened(path) as lines:
            records = [json.loads(line) for line in lines]
        return [record for record in records if record["type"] in ("step", "abort", "request")]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise InputError(f"not a trace of the scheduler oracle: {error}", file=path) from None


def build_request(index: int, record: OracleRequest) -> Request:
    """A scenario's request as the engine takes it; its output is the stream ``out:ID``."""
    pieces = [(stream, offset[0] if offset else 0, length) for stream, length, *offset in record.prompt]
    max_tokens = record.max_tokens or record.output_tokens
    output_tokens = min(record.output_tokens, max_tokens)
    return Request(
        index,
        record.arrival_ns,
        record.prompt_tokens,
        output_tokens,
        name=record.id,
        content=canonical([*pieces, (f"out:{record.id}", 0, output_tokens)]),
        max_tokens=max_tokens,
        priority=record.priority,
        accepted_drafts=record.spec_accept,
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
                [request.name, start, "resumed" if resumed else "new"]
                for request, start, resumed in plan.admitted
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
