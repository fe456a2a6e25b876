"""Replays the schedule of a real engine that noted every iteration.

Given how long each measured step took and which step saw each arrival, every iteration must
hold the same tokens, context, running and waiting requests, free blocks and preemptions, and
every request must be scheduled, answered and finished in the same steps. Step times are no
prediction here; they only say when the next step begins.

Reads folders of the format measured-run/1 (``run.yaml``, ``requests.csv.gz`` with the column
``enqueue_iteration``, ``iterations.csv.gz``). Left out: asynchronous scheduling, where an
iteration's times do not say when it was scheduled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simulator.calibration.oracle import Record
from simulator.calibration.replay import at_times, records_while
from simulator.engine.content import canonical
from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.engine.scheduler.plan import StepPlan
from simulator.engine.settings import EngineSettings
from simulator.engine.timing import NsEnvironment
from simulator.errors import InputError, SimulatorError
from simulator.latency.linear import unknown_costs
from simulator.latency.pricer import DecodeLine, StepColumns, StepCosts
from simulator.results.step_log import StepLog
from simulator.scenario.engine import EngineSpec
from simulator.simulation.pools import engine_settings
from simulator.units.clock import NS_PER_S
from simulator.units.explain import validate
from simulator.units.yaml_file import read_mapping
from simulator.workload.importers.segments import segments
from simulator.workload.importers.text_file import (
    Array,
    Parser,
    read_columns,
    seconds,
    token_counts,
    whole_numbers,
    words,
)
from simulator.workload.traffic import Piece

#: What an iteration says of itself, besides its times.
COUNTS = (
    "prefill_tokens",
    "decode_tokens",
    "prefill_requests",
    "decode_requests",
    "running",
    "waiting",
    "free_kv_blocks",
    "preemptions",
    "total_context_tokens",
    "prefill_context_tokens",
    "prefill_attn_products",
)
#: Times are published in microseconds; a request's are differences of them [ns].
ROUNDING_NS = 3_000


def _counts(texts: Sequence[str]) -> Array:
    """a whole number of at least zero"""
    values = np.array(list(map(int, texts)), dtype=np.int64)
    if len(values) and values.min() < 0:
        raise ValueError
    return values


def _pieces(texts: Sequence[str]) -> Array:
    """segments id:tokens, separated by spaces"""
    values = np.empty(len(texts), dtype=object)
    values[:] = [segments(text) for text in texts]
    return values


REQUEST_COLUMNS: dict[str, Parser] = {
    "request_id": words,
    "arrival_s": seconds,
    "prompt_tokens": token_counts,
    "output_tokens": token_counts,
    "prompt_segments": _pieces,
    "priority": whole_numbers,
    "ttft_s": seconds,
    "e2e_s": seconds,
    "first_scheduled_s": seconds,
    "cached_tokens": _counts,
    "preemptions": _counts,
    "enqueue_iteration": _counts,
}


@dataclass(frozen=True)
class MeasuredRequest:
    """One request of a run, and the step that saw it arrive."""

    name: str
    prompt_tokens: int
    output_tokens: int
    priority: int
    pieces: tuple[Piece, ...]
    seen_by_step: int


@dataclass(frozen=True)
class MeasuredSteps:
    """The schedule of a measured run.

    Attributes
    ----------
    starts_ns, durations_ns
        Of every step; a duration lasts until the next step, so that none begins early [ns].
    expected
        Records of the steps, then of the requests.
    """

    name: str
    settings: EngineSettings
    requests: tuple[MeasuredRequest, ...]
    starts_ns: tuple[int, ...]
    durations_ns: tuple[int, ...]
    expected: list[Record]

    def replay(
        self,
        factory: Callable[..., Replica],
        writer: StepWriter | None = None,
        pricer: MeasuredStepPricer | None = None,
    ) -> Iterator[Record]:
        """Records of every step as it is composed, then one per request."""
        env = NsEnvironment()
        writer = writer or StepWriter()
        pricer = pricer or MeasuredStepPricer(self.durations_ns)
        replica = factory(env, self.settings, pricer, StepLog(pricer), writer.ended, observer=writer)
        requests = [_engine_request(i, request) for i, request in enumerate(self.requests)]
        seen = sorted(zip((r.seen_by_step for r in self.requests), requests, strict=True), key=lambda s: s[0])
        at_times(env, [(self.starts_ns[step], request) for step, request in seen], replica.submit)
        yield from records_while(env, writer.steps)
        for request in requests:
            yield writer.request_record(request)


class MeasuredStepPricer:
    """The k-th step that is composed lasts as long as the k-th measured one, whatever it holds.

    Only for replicas that compose step by step: it counts the questions.
    """

    idle_w: float | None = None

    def __init__(self, durations_ns: Sequence[int]) -> None:
        self._durations = iter(durations_ns)

    def step_ns(self, *step: int) -> int:
        """See `StepPricer`."""
        del step
        duration = next(self._durations, None)
        if duration is None:
            raise SimulatorError("the replay goes on after the last measured step")
        return duration

    def decode_line(self, sequences: int, context: int) -> DecodeLine:
        """See `StepPricer`: a line that holds for this step only."""
        return DecodeLine(self.step_ns(sequences), 0, context, context)

    def costs(self, steps: StepColumns) -> StepCosts:
        """Unknown, and not asked for."""
        return unknown_costs(len(steps.duration_ns))


class StepWriter:
    """Writes what a measured run noted while a replica runs (an `engine.replica.Observer`)."""

    def __init__(self) -> None:
        self.steps: list[Record] = []
        self._step_of: dict[StepPlan, int] = {}
        self._scheduled: dict[Request, int] = {}
        self._first: dict[Request, int] = {}
        self._last: dict[Request, int] = {}

    def composed(self, replica: Replica, plan: StepPlan, now: int) -> None:
        del now
        counts = replica.counts()
        step = len(self.steps)
        self._step_of[plan] = step
        for request, _, _ in plan.admitted:
            self._scheduled.setdefault(request, step)
        values = (
            plan.prefill_tokens,
            plan.decode_tokens,
            plan.prefill_sequences,
            plan.decode_sequences,
            counts.running,
            counts.waiting,
            counts.free_blocks,
            len(plan.preempted),
            plan.prefill_context + plan.decode_context,
            plan.prefill_context,
            plan.prefill_products,
        )
        self.steps.append(_step_record(step, values))

    def completed(
        self,
        replica: Replica,
        plan: StepPlan,
        emitted: list[tuple[Request, int]],
        finished: list[Request],
        aborted: list[Request],
    ) -> None:
        del replica, aborted, finished
        step = self._step_of.pop(plan)
        for request, _ in emitted:
            self._first.setdefault(request, step)
            self._last[request] = step

    def aborted(self, replica: Replica, requests: list[Request], now: int) -> None:
        raise AssertionError(f"nobody aborts in a measured run: {replica} {requests} {now}")

    def ended(self, request: Request) -> None:
        """Nothing to do: the observer has heard of it."""

    def request_record(self, request: Request) -> Record:
        """The final record of one request."""
        return _request_record(
            request.name,
            self._scheduled.get(request),
            self._first.get(request),
            self._last.get(request),
            request.cached_tokens,
            request.preemptions,
        )


def is_measured_run(folder: Path) -> bool:
    """Whether a folder holds a measured run with requests and iterations."""
    return all((folder / name).is_file() for name in ("run.yaml", "requests.csv.gz", "iterations.csv.gz"))


def read_measured_steps(folder: Path) -> MeasuredSteps:
    """Read the schedule of a measured run.

    Raises
    ------
    InputError
        Where a file is damaged, or the run is one that cannot be replayed.
    """
    about = read_mapping(folder / "run.yaml", "measured run")
    iterations = read_columns(folder / "iterations.csv.gz", _iteration_columns(), {})
    table = _read_requests(folder / "requests.csv.gz", len(iterations["start_s"]))
    starts = _nanoseconds(iterations["start_s"])
    ends = starts + _nanoseconds(iterations["duration_s"])
    begin = np.append(starts[1:], ends[-1])
    return MeasuredSteps(
        name=str(about.get("name", folder.name)),
        settings=_settings(about, folder / "run.yaml"),
        requests=_requests(table),
        starts_ns=tuple(starts.tolist()),
        durations_ns=tuple((begin - starts).tolist()),
        expected=_expected_steps(iterations) + _expected_requests(table, starts, ends),
    )


def _iteration_columns() -> dict[str, Parser]:
    times: dict[str, Parser] = {"start_s": seconds, "duration_s": seconds}
    return times | dict.fromkeys(COUNTS, _counts)


def _read_requests(file: Path, steps: int) -> dict[str, Array]:
    table = read_columns(file, dict(REQUEST_COLUMNS), {})
    late = table["enqueue_iteration"] >= steps
    if late.any():
        raise InputError(
            f"found {table['enqueue_iteration'][late][0]}, but there are {steps} iterations",
            file=file,
            key="enqueue_iteration",
        )
    return table


def _settings(about: Record, file: Path) -> EngineSettings:
    engine = about.get("engine")
    settings = engine.get("settings") if isinstance(engine, dict) else None
    if not isinstance(settings, dict):
        raise InputError("this key is required, but missing", file=file, key="engine.settings")
    spec = validate(EngineSpec, settings, file)
    for key in ("num_gpu_blocks", "max_model_len"):
        if getattr(spec, key) is None:
            raise InputError("a replay needs it", file=file, key=f"engine.settings.{key}")
    assert spec.num_gpu_blocks is not None and spec.max_model_len is not None
    resolved = engine_settings(spec, spec.num_gpu_blocks, spec.max_model_len)
    if resolved.async_scheduling:
        raise InputError(
            "only synchronous runs can be replayed step by step",
            file=file,
            key="engine.settings.async_scheduling",
        )
    return resolved


def _requests(table: dict[str, Array]) -> tuple[MeasuredRequest, ...]:
    columns = zip(
        table["request_id"].tolist(),
        table["prompt_tokens"].tolist(),
        table["output_tokens"].tolist(),
        table["priority"].tolist(),
        table["prompt_segments"].tolist(),
        table["enqueue_iteration"].tolist(),
        strict=True,
    )
    return tuple(MeasuredRequest(*row) for row in columns)


def _engine_request(index: int, request: MeasuredRequest) -> Request:
    answer = (f"out:{request.name}", 0, request.output_tokens)
    return Request(
        index,
        request.seen_by_step,
        request.prompt_tokens,
        request.output_tokens,
        name=request.name,
        content=canonical([*request.pieces, answer]),
        priority=request.priority,
    )


def _expected_steps(iterations: dict[str, Array]) -> list[Record]:
    rows = zip(*(iterations[name].tolist() for name in COUNTS), strict=True)
    return [_step_record(step, row) for step, row in enumerate(rows)]


def _expected_requests(table: dict[str, Array], starts: Array, ends: Array) -> list[Record]:
    arrival = _nanoseconds(table["arrival_s"])
    scheduled = np.searchsorted(starts, _nanoseconds(table["first_scheduled_s"]), side="right") - 1
    first = np.searchsorted(ends, arrival + _nanoseconds(table["ttft_s"]) - ROUNDING_NS)
    last = np.searchsorted(ends, arrival + _nanoseconds(table["e2e_s"]) - ROUNDING_NS)
    columns = (
        table["request_id"],
        scheduled,
        first,
        last,
        table["cached_tokens"],
        table["preemptions"],
    )
    return [_request_record(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def _step_record(step: int, values: Sequence[int]) -> Record:
    return {"type": "step", "i": step, **dict(zip(COUNTS, values, strict=True))}


def _request_record(
    name: str,
    scheduled: int | None,
    first: int | None,
    last: int | None,
    cached_tokens: int,
    preemptions: int,
) -> Record:
    return {
        "type": "request",
        "id": name,
        "first_scheduled_step": scheduled,
        "first_token_step": first,
        "last_token_step": last,
        "cached_tokens": cached_tokens,
        "preemptions": preemptions,
    }


def _nanoseconds(times_s: Array) -> Array:
    whole: Array = np.rint(times_s * NS_PER_S).astype(np.int64)
    return whole
