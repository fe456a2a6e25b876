"""One chain of thought, cut at a budget or drawn out by "Wait" (budget forcing, s1, arXiv 2501.19393).

The engine itself enforces the budget: thinking stops and the answer follows in the same call.
"""

from __future__ import annotations

from simulator.reasoning.draws import length_draw
from simulator.reasoning.strategies.base import Strategy
from simulator.reasoning.task import Outcome, Program, Task
from simulator.scenario.reasoning.strategies import ChainSpec


class Chain(Strategy[ChainSpec]):
    """The chain the workload drew, to the token."""

    def __init__(self, spec: ChainSpec) -> None:
        super().__init__(spec)
        self._extension = length_draw(spec.extend_tokens)

    def run(self, task: Task) -> Program:
        """Think and answer, in one call."""
        thinking = task.thinking
        for _ in range(self.spec.extend):
            thinking += self._extension(task.random)
        call = task.think_for(thinking, task.answer, self.spec.budget)
        yield task.all_ended()
        return Outcome(call, streamed=True, right=task.candidate(call).right)
