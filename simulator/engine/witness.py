"""Tells an observer what an engine that keeps only sums decided, in the words of step plans.

A plan's output is processed when its step ends; a step without tokens, which asynchronous
scheduling can compose, takes no time and is done when the next one is composed.
"""

from __future__ import annotations

from simulator.engine.replica import Observer, Replica
from simulator.engine.request import FINISHED, Request
from simulator.engine.scheduler.plan import Entry, StepPlan

Admissions = list[tuple[Request, int, bool]]


class Witness:
    """Keeps the plans under way of one replica for its observer."""

    def __init__(self, replica: Replica, observer: Observer) -> None:
        self._replica = replica
        self._observer = observer
        self._plans: dict[int, StepPlan] = {}
        self._empty: StepPlan | None = None

    def composed(
        self,
        step: int,
        entries: list[Entry],
        admitted: Admissions,
        preempted: list[Request],
        now: int,
        begin_ns: int,
        end_ns: int,
    ) -> None:
        """Step ``step`` was composed at ``now`` and will run from ``begin_ns`` to ``end_ns``."""
        plan = StepPlan()
        plan.entries = entries
        plan.admitted = admitted
        plan.preempted = preempted
        plan.add_up()
        plan.sampling = [
            entry.start + entry.scheduled >= entry.request.prompt_tokens + entry.request.outputs
            for entry in entries
        ]
        plan.start_ns = begin_ns
        plan.end_ns = end_ns
        self._plans[step] = plan
        self._observer.composed(self._replica, plan, now)
        self.pass_empty()

    def composed_empty(self, preempted: list[Request], now: int, begin_ns: int) -> None:
        """Nothing could be scheduled at ``now``."""
        plan = StepPlan()
        plan.preempted = preempted
        plan.start_ns = plan.end_ns = begin_ns
        self._observer.composed(self._replica, plan, now)
        self.pass_empty()
        self._empty = plan

    def pass_empty(self) -> None:
        """An empty step under way is done."""
        if self._empty is not None:
            plan, self._empty = self._empty, None
            self._observer.completed(self._replica, plan, [], [], [])

    def emissions(self, step: int) -> list[tuple[Request, int]]:
        """Who gets a token when the output of ``step`` is processed."""
        plan = self._plans[step]
        return [
            (entry.request, 1)
            for entry, samples in zip(plan.entries, plan.sampling, strict=True)
            if samples and entry.request.status != FINISHED
        ]

    def completed(
        self,
        step: int,
        emitted: list[tuple[Request, int]],
        finished: list[Request],
        aborted: list[Request],
    ) -> None:
        """The output of ``step`` was processed."""
        self._observer.completed(self._replica, self._plans.pop(step), emitted, finished, aborted)

    def aborted(self, requests: list[Request], now: int) -> None:
        """Requests were dropped between steps."""
        self._observer.aborted(self._replica, requests, now)
