"""One task under way: its calls, its clock and its account.

A strategy is a generator that gets a `Task` and yields the events it waits for::

    def program(task):
        for _ in range(4):
            task.think()                # four chains start
        first = yield task.next_end()   # one of them has ended
        return Outcome(first)           # it is the answer; the others run out

The hot path of ``reasoning.*`` in `python -m benchmarks`: a call costs one request of the engine, one
callback and at most one event.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from math import exp
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from simpy.events import AllOf, Event, Process, Timeout

from simulator.engine.request import NEVER, Request
from simulator.reasoning.judging import Candidate, Judge
from simulator.reasoning.text import Text

if TYPE_CHECKING:
    from simulator.engine.timing import NsEnvironment


class Desk(Protocol):
    """Where tasks are worked on (`simulator.reasoning.desk`), as they see it.

    Attributes
    ----------
    run_spread
        Standard deviation of ln(thinking) between runs on one problem.
    thinking_scale
        Thinking, as a multiple of what the workload draws.
    stop_token
        1 where outputs end on a stop token that no scheduler foresees, else 0.
    """

    env: NsEnvironment
    judge: Judge
    run_spread: float
    thinking_scale: float
    stop_token: int

    def prompt_of(self, envelope: Request) -> Text:
        """What the user sent."""
        ...

    def number_of_call(self, task: int) -> int:
        """A number for a new call of a task."""
        ...

    def fresh_stream(self, kind: str) -> str:
        """Name of a text that nobody has read before."""
        ...

    def longest(self, model: str | None = None) -> int:
        """Longest sequence, prompt and output, that a model's pools hold, or the task's own [tokens]."""
        ...

    def submit_call(self, request: Request, model: str | None) -> None:
        """Hand a call to the cluster."""
        ...

    def abort(self, request: Request) -> None:
        """Have a call dropped."""
        ...

    def close(self, task: Task) -> None:
        """All calls of an answered task have ended."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a program comes to.

    Attributes
    ----------
    answer
        The call whose output the user gets; None where the task ended without an answer.
    path
        Calls whose thinking the answer rests on; default: the answer's own.
    streamed
        Whether the user saw the answer as it was written; otherwise it appears whole, at the end.
    right
        Whether it is right; None where nothing is known.
    """

    answer: Request | None
    path: Sequence[Request] = ()
    streamed: bool = False
    right: bool | None = None


Program = Generator[Event, Any, Outcome]


class Branch:
    """Calls that belong together, and what a program waits for: their ends.

    A task is the first branch of itself; a strategy whose parts run side by side without waiting for each
    other gives each part a branch of its own (`Task.branch`).
    """

    __slots__ = ("_ends", "_waiting", "_waits_for_all", "running", "task")

    def __init__(self, task: Task) -> None:
        self.task = task
        self.running = 0
        self._ends: deque[Request] = deque()
        self._waiting: Event | None = None
        self._waits_for_all = False

    # -- calls -------------------------------------------------------------------------------------

    def call(self, prompt: Text, thinking: int, answer: int, model: str | None = None) -> Request:
        """Send a request now: so many tokens of thinking, then so many of answer.

        Like vLLM, the engine stops an output at the longest sequence that the model's pools allow. What is
        read beyond that (a verifier's copy of a full context) is cut off at its end; only a user's own
        prompt is refused.
        """
        task = self.task
        desk = task.desk
        output = thinking + answer
        longest = desk.longest(model)
        room = longest - prompt.tokens
        if room <= 0 and prompt is not task.prompt:
            prompt, room = prompt.first(longest - 1), 1
        if 0 < room < output:
            output = room
            thinking = min(thinking, room)
        index = desk.number_of_call(task.envelope.index)
        content = prompt.content
        request = Request(
            index,
            0,
            prompt.tokens,
            output,
            content=None if content is None else (*content, (f"call:{index}", 0, output)),
            max_tokens=output + desk.stop_token,
            priority=task.envelope.priority,
            thinking_tokens=thinking,
            on_end=self._ended,
        )
        self.running += 1
        task.under_way += 1
        task.calls += 1
        desk.submit_call(request, model)
        return request

    def think(self, budget: int | None = None, model: str | None = None) -> Request:
        """Send one more chain for the task: thinking that varies from run to run, and the answer."""
        thinking, answer = self.task.chain_tokens()
        return self.think_for(thinking, answer, budget, model)

    def think_for(
        self, thinking: int, answer: int, budget: int | None = None, model: str | None = None
    ) -> Request:
        """Send a chain of these lengths; the engine stops its thinking at the budget, the answer follows."""
        task = self.task
        if budget is None or thinking <= budget:
            return self.call(task.prompt, thinking, answer, model)
        call = self.call(task.prompt, budget, answer, model)
        task.cut.add(call)
        return call

    def cancel(self, requests: Iterable[Request]) -> None:
        """Have calls dropped that have not ended; they end with the reason ``abort``."""
        for request in requests:
            if request.finish_ns == NEVER:
                self.task.desk.abort(request)

    # -- what a program waits for ----------------------------------------------------------------------

    def all_ended(self) -> Event:
        """Happens once no call of the branch is running."""
        self._ends.clear()
        event = Event(self.task.desk.env)
        if self.running:
            self._waiting, self._waits_for_all = event, True
        else:
            event.succeed()
        return event

    def next_end(self) -> Event:
        """Happens with the next call that ends, which is its value; calls are told one by one."""
        event = Event(self.task.desk.env)
        if self._ends:
            event.succeed(self._ends.popleft())
        else:
            self._waiting, self._waits_for_all = event, False
        return event

    def _ended(self, request: Request) -> None:
        self.running -= 1
        waiting = self._waiting
        if waiting is None:
            self._ends.append(request)
        elif not self._waits_for_all:
            self._waiting = None
            waiting.succeed(request)
        elif not self.running:
            self._waiting = None
            waiting.succeed()
        self.task.account(request)


class Task(Branch):
    """A task from its arrival until its last call has ended.

    Attributes
    ----------
    prompt
        What the user sent.
    thinking, answer
        What the workload drew for one chain, at this model's scale [tokens].
    cut
        Chains whose thinking a budget stopped.
    cut_by_depth
        Whether the trees of the task end before its thinking does.
    random
        Of this task alone: other hardware, same draws.
    problem
        What is known about right answers to it.
    """

    __slots__ = (
        "answer",
        "arrival_ns",
        "cached",
        "calls",
        "cut",
        "cut_by_depth",
        "desk",
        "envelope",
        "finished_at",
        "first_token_ns",
        "outcome",
        "output",
        "problem",
        "prompt",
        "prompt_read",
        "random",
        "thinking",
        "thought",
        "under_way",
        "waited_ns",
    )

    def __init__(self, desk: Desk, envelope: Request, random: Random) -> None:
        super().__init__(self)
        self.desk = desk
        self.envelope = envelope
        self.random = random
        self.prompt = desk.prompt_of(envelope)
        self.thinking = round(envelope.thinking_tokens * desk.thinking_scale)
        self.answer = envelope.output_tokens - envelope.thinking_tokens
        self.problem = desk.judge.problem(random)
        self.arrival_ns = desk.env.now
        self.under_way = 0
        self.calls = self.prompt_read = self.cached = self.output = self.thought = self.waited_ns = 0
        self.cut: set[Request] = set()
        self.cut_by_depth = False
        self.first_token_ns = NEVER
        self.finished_at = NEVER
        self.outcome: Outcome | None = None

    def branch(self) -> Branch:
        """A new branch, for calls that are waited for apart from others."""
        return Branch(self)

    def together(self, programs: Iterable[Generator[Event, Any, Any]]) -> Event:
        """Happens once parts that run side by side have all come to their ends."""
        env = self.desk.env
        return AllOf(env, [Process(env, program) for program in programs])

    def pause(self, ns: int) -> Event:
        """Happens after a time (a tool that runs) [ns]."""
        self.waited_ns += ns
        return Timeout(self.desk.env, ns)

    # -- draws ---------------------------------------------------------------------------------------

    def chain_tokens(self) -> tuple[int, int]:
        """Thinking and answer of one run [tokens]; thinking varies lognormally around the drawn length."""
        spread = self.desk.run_spread
        factor = exp(spread * self.random.gauss(0.0, 1.0) - spread * spread / 2.0) if spread else 1.0
        if not self.thinking:
            return 0, max(round(self.answer * factor), 1)
        return max(round(self.thinking * factor), 1), self.answer

    def candidate(self, request: Request) -> Candidate:
        """What one run answers; a chain that was cut off before its answer has none."""
        if request.outputs <= request.thinking_tokens:
            return self.problem.no_answer()
        if request in self.cut:
            return self.problem.early_answer(self.random)
        return self.problem.answer(self.random)

    # -- the account ---------------------------------------------------------------------------------------

    def account(self, request: Request) -> None:
        """A call of any branch has ended."""
        self.under_way -= 1
        outputs = request.outputs
        self.prompt_read += request.prompt_tokens
        self.output += outputs
        self.thought += thought(request)
        if request.cached_tokens > 0:
            self.cached += request.cached_tokens
        first = request.first_token_ns
        if first != NEVER and (self.first_token_ns == NEVER or first < self.first_token_ns):
            self.first_token_ns = first
        if self.outcome is not None and not self.under_way:
            self.desk.close(self)


def thought(request: Request) -> int:
    """Thinking that a call has generated so far [tokens]."""
    thinking, outputs = request.thinking_tokens, request.outputs
    return thinking if thinking < outputs else outputs
