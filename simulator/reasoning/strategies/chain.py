"""One chain of thought, cut at a budget or drawn out by "Wait" (budget forcing, s1, arXiv 2501.19393).

The engine itself enforces the budget: thinking stops and the answer follows in the same call. A chain that
was cut counts as wrong where verdicts are known, a lower bound: no source says how often it is right.
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
        spec, thinking = self.spec, task.thinking
        for _ in range(spec.extend):
            thinking += self._extension(task.random)
        cut = spec.budget is not None and thinking > spec.budget
        if spec.budget is not None and cut:
            thinking = spec.budget
        call = task.call(task.prompt, thinking, task.answer)
        yield task.all_ended()
        right = task.candidate(call).right
        return Outcome(call, streamed=True, right=False if cut and right is not None else right)
