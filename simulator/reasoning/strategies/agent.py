"""A tool-using agent: a call of the model, a tool, its output into the context, the next call.

Every call reads the whole context so far, which the prefix cache holds if nothing has evicted it while
the tool ran. The thinking of earlier turns is dropped from the context unless it is to stay.
"""

from __future__ import annotations

from simulator.engine.request import Request
from simulator.reasoning.draws import gap_draw, length_draw
from simulator.reasoning.strategies.base import Strategy
from simulator.reasoning.task import Outcome, Program, Task
from simulator.reasoning.text import after, after_thinking_dropped
from simulator.scenario.reasoning.strategies import AgentSpec


class Agent(Strategy[AgentSpec]):
    """A loop of calls and tools."""

    def __init__(self, spec: AgentSpec) -> None:
        super().__init__(spec)
        self._turns = length_draw(spec.turns)
        self._tool_ns = gap_draw(spec.tool)
        self._tool_tokens = length_draw(spec.tool_tokens)
        self._turn_tokens = None if spec.turn_tokens is None else length_draw(spec.turn_tokens)
        self._left = after if spec.keep_thinking else after_thinking_dropped

    def run(self, task: Task) -> Program:
        """Turns until the task is done or its context is full; the last output is the answer."""
        spec, random = self.spec, task.random
        longest = task.desk.longest()
        if spec.max_context is not None:
            longest = min(longest, spec.max_context)
        text = task.prompt
        calls: list[Request] = []
        turns = self._turns(random)
        while True:
            thinking, answer = task.chain_tokens()
            if self._turn_tokens is not None:
                thinking, answer = 0, self._turn_tokens(random)
            if calls and text.tokens + thinking + answer > longest:
                break
            calls.append(task.call(text, thinking, answer))
            yield task.all_ended()
            if len(calls) == turns:
                break
            text = self._left(calls[-1])
            yield task.pause(self._tool_ns(random))
            text = text.then(task.desk.fresh_stream("tool"), self._tool_tokens(random))
        last = calls[-1]
        return Outcome(last, path=calls, streamed=True, right=task.candidate(last).right)
