"""The desk: takes a workload's arrivals as tasks and runs the program of a strategy for each.

What the workload calls a request is here the envelope of a task: it carries prompt, lengths and the
caller to tell when the answer is there (a closed loop then sends the next). The cluster sees only the
calls.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from simpy.events import Event, Process

from simulator.engine.cluster import Cluster, pools_of
from simulator.engine.limits import longest_request
from simulator.engine.request import NEVER, WHOLE, Request
from simulator.reasoning.judging import Judge
from simulator.reasoning.task import Outcome, Program, Task, thought
from simulator.reasoning.text import Text, read_by
from simulator.results.recording import UNKNOWN, TaskRecording
from simulator.results.task_log import TaskLog
from simulator.units.random_streams import RandomStreams

if TYPE_CHECKING:
    from simulator.engine.timing import NsEnvironment

#: Odd, so that neighbouring tasks of one seed start far apart.
_STRIDE = 0x9E3779B97F4A7C15


class TaskDesk:
    """All tasks of a run.

    Parameters
    ----------
    cluster
        Serves the calls.
    program
        The strategy: one generator per task.
    judge
        What is known about right answers.
    run_spread
        Standard deviation of ln(thinking) between runs on one problem.
    thinking_scale
        Thinking, as a multiple of what the workload draws.
    stops
        Whether outputs end on a stop token that no scheduler foresees.
    strategy
        Name of the strategy in results.
    """

    def __init__(
        self,
        cluster: Cluster,
        program: Callable[[Task], Program],
        judge: Judge,
        streams: RandomStreams,
        *,
        run_spread: float,
        thinking_scale: float,
        stops: bool,
        strategy: str,
    ) -> None:
        self.env: NsEnvironment = cluster.env
        self.cluster = cluster
        self.judge = judge
        self.run_spread = run_spread
        self.thinking_scale = thinking_scale
        self.stop_token = 1 if stops else 0
        tenants = cluster.plan.tenants
        self._tenant_of = {tenant.name: number for number, tenant in enumerate(tenants)}
        self._longest = [longest_request(pools_of(cluster.plan.pools, tenant)) for tenant in tenants]
        self.strategy = strategy
        self.submitted = 0
        self.caching = any(pool.settings.enable_prefix_caching for pool in cluster.plan.pools)
        self.abort = cluster.abort
        self._program = program
        self._log = TaskLog()
        self._base = int(streams.generator("tasks").integers(1 << 62))
        self._calls = 0
        self._streams = 0

    def submit(self, envelope: Request) -> None:
        """A user sends a task now."""
        self.submitted += 1
        envelope.arrival_ns = self.env.now
        task = Task(self, envelope, Random(self._base + envelope.index * _STRIDE))
        process = Process(self.env, self._program(task))
        process.callbacks.append(lambda event: self._answered(task, event))

    @property
    def ended(self) -> int:
        """Tasks that are over."""
        return len(self._log)

    def recording(self) -> TaskRecording:
        """What became of the tasks so far."""
        return self._log.recording(self.submitted - len(self._log), self.strategy, self.judge.basis)

    # -- for tasks ---------------------------------------------------------------------------------

    def prompt_of(self, envelope: Request) -> Text:
        """What the user sent, told apart token by token where a cache asks."""
        if envelope.content is not None or not self.caching:
            return read_by(envelope)
        return Text(0, ()).then(f"task:{envelope.index}", envelope.prompt_tokens)

    def number_of_call(self, task: int) -> int:
        """A number for a new call of a task."""
        self._log.add_call(task)
        self._calls += 1
        return self._calls - 1

    def fresh_stream(self, kind: str) -> str:
        """Name of a text that nobody has read before."""
        self._streams += 1
        return f"{kind}:{self._streams}"

    def longest(self, model: str | None = None) -> int:
        """Longest sequence, prompt and output, that a model's pools hold, or the task's own [tokens]."""
        return self._longest[self._tenant(model)]

    def submit_call(self, request: Request, model: str | None) -> None:
        """Hand a call to the cluster: to the pools of a model, or of the task's own."""
        request.tenant = self._tenant(model)
        self.cluster.submit(request)

    def _tenant(self, model: str | None) -> int:
        return 0 if model is None else self._tenant_of[model]

    def _answered(self, task: Task, event: Event) -> None:
        """The program has come to its end; an error in it ends the simulation."""
        if isinstance(event.value, BaseException):
            event.defused = True
            raise event.value
        assert isinstance(event.value, Outcome)
        task.outcome = event.value
        task.finished_at = self.env.now
        if not task.under_way:
            self.close(task)
        envelope = task.envelope
        envelope.finish_ns = self.env.now
        if envelope.on_end is not None:
            envelope.on_end(envelope)

    def close(self, task: Task) -> None:
        """All calls of an answered task have ended: its row can be written."""
        outcome = task.outcome
        assert outcome is not None
        answer = outcome.answer
        if answer is not None and answer.finish_reason not in WHOLE:
            answer = None  # it was cut off: its client gave up, or its machine died for good
        path = outcome.path or (() if answer is None else (answer,))
        seen = NEVER
        if answer is not None:
            seen = answer.first_answer_ns if outcome.streamed else task.finished_at
        self._log.add(
            (
                task.envelope.index,
                0 if answer is None else 1,
                UNKNOWN if outcome.right is None else int(outcome.right and answer is not None),
                task.arrival_ns,
                task.first_token_ns,
                seen,
                task.finished_at,
                task.waited_ns,
                task.calls,
                task.prompt_read,
                task.cached,
                task.output,
                task.thought,
                max(task.thought - sum(map(thought, path)), 0),
                int(task.cut_by_depth),
            )
        )
