"""Watches a replica step by step: who ran for how many tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.engine.build import build_replica
from simulator.engine.replica import Counts, Replica
from simulator.engine.request import Request
from simulator.engine.scheduler.plan import StepPlan
from simulator.engine.settings import EngineSettings
from simulator.engine.timing import Appointment, NsEnvironment
from simulator.latency.linear import LinearPricer
from simulator.results.step_log import StepLog
from simulator.scenario.backend import LinearBackendSpec

#: Every step takes a millisecond.
STEP_NS = 1_000_000


@dataclass
class Steps:
    """What an observer saw, one element per step.

    Attributes
    ----------
    batches
        Tokens scheduled, by request index, in batch order.
    admitted, preempted
        Indices of requests.
    counts
        Requests and blocks after composing.
    ended
        All requests in order of ending.
    replica
        The one watched.
    """

    batches: list[dict[int, int]] = field(default_factory=list)
    admitted: list[list[int]] = field(default_factory=list)
    preempted: list[list[int]] = field(default_factory=list)
    counts: list[Counts] = field(default_factory=list)
    ended: list[Request] = field(default_factory=list)
    replica: Replica | None = None

    def composed(self, replica: Replica, plan: StepPlan, now: int) -> None:
        del now
        batch = {entry.request.index: entry.scheduled for entry in plan.entries}
        assert len(batch) == len(plan.entries), "a request stands in a step twice"
        self.batches.append(batch)
        self.admitted.append([request.index for request, _, _ in plan.admitted])
        self.preempted.append([request.index for request in plan.preempted])
        self.counts.append(replica.counts())

    def completed(self, *what: Any) -> None:
        """Seen when composed."""

    def aborted(self, *what: Any) -> None:
        """Nobody asks."""

    def first(self, index: int) -> int:
        """The first step that a request ran in."""
        return next(step for step, batch in enumerate(self.batches) if index in batch)

    def last(self, index: int) -> int:
        """The last step that a request ran in."""
        return max(step for step, batch in enumerate(self.batches) if index in batch)


def settings(scheduler: str = "vllm", **changes: Any) -> EngineSettings:
    """Synchronous scheduling without prefix caching, room for a hundred blocks of 16."""
    plain = {
        "scheduler": scheduler,
        "num_gpu_blocks": 101,
        "max_model_len": 1000,
        "max_num_batched_tokens": 1000,
        "max_num_seqs": 16,
        "enable_prefix_caching": False,
    }
    return EngineSettings(**{**plain, **changes})


def request(index: int, prompt: int, output: int, step: int = 0, **more: Any) -> Request:
    """A request that the given step is the first to see."""
    return Request(index, step * STEP_NS, prompt, output, **more)


def watch(
    engine: EngineSettings, requests: Sequence[Request], aborts: Sequence[tuple[int, Request]] = ()
) -> Steps:
    """Serve requests, in order of arrival, to the end."""
    env = NsEnvironment()
    steps = Steps()
    pricer = LinearPricer(LinearBackendSpec(base_ns=STEP_NS), None)
    replica = build_replica(env, engine, pricer, StepLog(pricer), steps.ended.append, observer=steps)
    steps.replica = replica
    for one in requests:
        Appointment(env, one.arrival_ns, lambda _, one=one: replica.submit(one))
    for time_ns, one in aborts:
        Appointment(env, time_ns, lambda _, one=one: replica.abort(one))
    env.run()
    return steps
