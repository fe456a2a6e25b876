"""A cascade: the small model answers, a scorer looks at it, the large model answers where that fails.

References: FrugalGPT, arXiv 2305.05176. No accuracy is reported: it takes a joint table of which model is
right on which task (`simulator.reasoning.quality.routing` has the two that are published).
"""

from __future__ import annotations

from simulator.reasoning.strategies.base import Strategy
from simulator.reasoning.strategies.verifying import verify
from simulator.reasoning.task import Outcome, Program, Task
from simulator.scenario.reasoning.strategies import CascadeSpec


class Cascade(Strategy[CascadeSpec]):
    """Always pays for the small model, and for the large one where it is asked."""

    def run(self, task: Task) -> Program:
        """Small, score, large."""
        spec = self.spec
        thinking, answer = task.chain_tokens()
        small = task.call(
            task.prompt,
            round(thinking * spec.small_length),
            max(round(answer * spec.small_length), 1),
            spec.small,
        )
        yield task.all_ended()
        if spec.verifier is not None:
            verify(task, small, spec.verifier)
            yield task.all_ended()
        if task.random.random() >= spec.escalate:
            return Outcome(small)
        large = task.think(model=spec.large)
        yield task.all_ended()
        return Outcome(large)
