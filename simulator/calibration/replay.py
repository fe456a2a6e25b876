"""Replays a scenario of the scheduler oracle with the engine that simulations use.

Arrivals and aborts come at their times; steps cost what the scenario's linear form says.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from simpy.events import Event

from simulator.calibration.oracle import (
    OracleScenario,
    Record,
    TraceWriter,
    build_request,
    read_scenario,
    read_trace,
)
from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.engine.timing import NsEnvironment
from simulator.latency.linear import LinearPricer
from simulator.results.step_log import StepLog


@dataclass(frozen=True)
class OracleReplay:
    """A scenario with the records of its trace."""

    scenario: OracleScenario
    expected: list[Record]

    @property
    def name(self) -> str:
        """The scenario's."""
        return self.scenario.name

    def replay(self, factory: Callable[..., Replica]) -> Iterator[Record]:
        """Records of every step and abort as they happen, then one per request."""
        scenario = self.scenario
        env = NsEnvironment()
        writer = TraceWriter()
        pricer = LinearPricer(scenario.backend, None)
        replica = factory(env, scenario.settings, pricer, StepLog(pricer), _nothing, observer=writer)
        replica.keeps_early_aborts = False
        requests = {record.id: build_request(i, record) for i, record in enumerate(scenario.requests)}
        arrivals = sorted(requests.values(), key=lambda request: request.arrival_ns)
        at_times(env, [(request.arrival_ns, request) for request in arrivals], replica.submit)
        at_times(env, [(time, requests[name]) for time, name in sorted(scenario.aborts)], replica.abort)
        yield from records_while(env, writer.records)
        for request in requests.values():
            yield writer.request_record(request)


def read_replay(path: Path) -> OracleReplay:
    """Read a scenario and the trace beside it.

    Raises
    ------
    InputError
        Where one of them is missing or damaged.
    """
    return OracleReplay(read_scenario(path), read_trace(path))


def at_times(
    env: NsEnvironment, moments: Sequence[tuple[int, Request]], happens: Callable[[Request], None]
) -> None:
    """Let something happen to requests at times in ascending order [ns]."""
    env.process(_at_times(env, moments, happens))


def _at_times(
    env: NsEnvironment, moments: Sequence[tuple[int, Request]], happens: Callable[[Request], None]
) -> Generator[Event]:
    for time, request in moments:
        if time > env.now:
            yield env.timeout(time - env.now)
        happens(request)


def records_while(env: NsEnvironment, records: list[Record]) -> Iterator[Record]:
    """Run the simulation to its end and hand out each record once it is written."""
    done = 0
    while env.peek() != float("inf"):
        env.step()
        while done < len(records):
            yield records[done]
            done += 1


def _nothing(request: Request) -> None:
    del request
