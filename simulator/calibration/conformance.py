"""Is the scheduler vLLM's, step for step? Replays oracle scenarios and compares every record.

The replay drives the engine that simulations use, with the scenario's linear step cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from simpy import Environment

from simulator.calibration.oracle import (
    SCENARIO_SUFFIX,
    TRACE_SUFFIX,
    OracleScenario,
    Record,
    TraceWriter,
    build_request,
    read_scenario,
    read_trace,
)
from simulator.engine.build import build_replica
from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.errors import InputError
from simulator.latency.linear import LinearPricer
from simulator.scenario.backend import LinearBackendSpec
from simulator.results.step_log import StepLog

ReplicaFactory = Callable[..., Replica]


@dataclass(frozen=True)
class Difference:
    """The first record in which a replay departs from its trace."""

    where: str
    fields: tuple[str, ...]
    expected: Record | None
    found: Record | None


@dataclass(frozen=True)
class ScenarioReport:
    """Outcome of one scenario."""

    name: str
    steps: int
    identical_steps: int
    difference: Difference | None


@dataclass(frozen=True)
class ConformanceReport:
    """Outcome of all scenarios."""

    scenarios: tuple[ScenarioReport, ...]

    @property
    def identical(self) -> bool:
        """True where nothing differs anywhere."""
        return all(s.difference is None for s in self.scenarios)

    @property
    def headline(self) -> str:
        """The one line that counts."""
        same = sum(s.difference is None for s in self.scenarios)
        steps = sum(s.steps for s in self.scenarios)
        identical = sum(s.identical_steps for s in self.scenarios)
        return f"{same} of {len(self.scenarios)} scenarios, {identical} of {steps} steps identical"


def check_conformance(paths: Iterable[Path], factory: ReplicaFactory = build_replica) -> ConformanceReport:
    """Replay scenarios (files, or folders of them) and compare each with the trace beside it.

    Raises
    ------
    InputError
        Where a path holds no scenario or a scenario has no trace.
    """
    return ConformanceReport(tuple(check_scenario(path, factory) for path in _scenario_files(paths)))


def _scenario_files(paths: Iterable[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        found = sorted(path.glob(f"*{SCENARIO_SUFFIX}")) if path.is_dir() else [path]
        if not found or not found[0].is_file():
            raise InputError(f"no oracle scenario here (*{SCENARIO_SUFFIX})", file=path)
        files += found
    return files


def check_scenario(path: Path, factory: ReplicaFactory = build_replica) -> ScenarioReport:
    """Replay one scenario and compare it with its trace."""
    if not path.name.endswith(SCENARIO_SUFFIX):
        raise InputError(f"an oracle scenario is named *{SCENARIO_SUFFIX}", file=path)
    trace_path = path.with_name(path.name.removesuffix(SCENARIO_SUFFIX) + TRACE_SUFFIX)
    expected = [r for r in read_trace(trace_path) if r["type"] in ("step", "abort", "request")]
    return compare(read_scenario(path), expected, factory)


def compare(scenario: OracleScenario, expected: list[Record], factory: ReplicaFactory) -> ScenarioReport:
    """Compare a replay with the records of a trace."""
    found = replay(scenario, factory)
    steps = sum(r["type"] == "step" for r in expected)
    identical = 0
    difference = None
    for position in range(max(len(expected), len(found))):
        want = expected[position] if position < len(expected) else None
        have = found[position] if position < len(found) else None
        fields = _differing_fields(want, have)
        if fields:
            difference = difference or Difference(_where(want or have or {}), fields, want, have)
        elif want is not None and want["type"] == "step":
            identical += 1
    return ScenarioReport(scenario.name, steps, identical, difference)


def replay(scenario: OracleScenario, factory: ReplicaFactory = build_replica) -> list[Record]:
    """Run a scenario through the engine; step and abort records, then one per request."""
    env = Environment(initial_time=0)
    writer = TraceWriter()
    pricer = LinearPricer(LinearBackendSpec(**scenario.step_time), None)
    log = StepLog(pricer)
    replica = factory(env, scenario.settings, pricer, log, lambda request: None, observer=writer)
    replica.keeps_early_aborts = False
    requests = {r["id"]: build_request(i, r) for i, r in enumerate(scenario.requests)}
    if len(requests) != len(scenario.requests):
        raise InputError(f"{scenario.name}: request ids must be unique")
    env.process(_arrive(env, replica, sorted(requests.values(), key=lambda r: r.arrival_ns)))
    env.process(_abort(env, replica, [(time, requests[rid]) for time, rid in scenario.aborts]))
    env.run()
    return writer.records + [writer.request_record(request) for request in requests.values()]


def _arrive(env: Environment, replica: Replica, requests: list[Request]):  # type: ignore[no-untyped-def]
    for request in requests:
        if request.arrival_ns > env.now:
            yield env.timeout(request.arrival_ns - env.now)
        replica.submit(request)


def _abort(env: Environment, replica: Replica, aborts: list[tuple[int, Request]]):  # type: ignore[no-untyped-def]
    for time, request in aborts:
        if time > env.now:
            yield env.timeout(time - env.now)
        replica.abort(request)


def _differing_fields(want: Record | None, have: Record | None) -> tuple[str, ...]:
    if want is None or have is None:
        return ("record",)
    return tuple(k for k in sorted(want.keys() | have.keys()) if want.get(k) != have.get(k))


def _where(record: Record) -> str:
    if record.get("type") == "step":
        return f"step {record['i']}"
    if record.get("type") == "request":
        return f"request {record['id']}"
    return f"abort at {record.get('t_ns')} ns"
