"""Draft, check, and draft again where the check fails, up to a number of rounds.

Each round reads all earlier drafts and checks; the prefix cache spares computing them again.
"""

from __future__ import annotations

from simulator.reasoning.strategies.base import Strategy
from simulator.reasoning.task import Outcome, Program, Task
from simulator.reasoning.text import after
from simulator.scenario.reasoning.strategies import SelfVerificationSpec


class SelfVerification(Strategy[SelfVerificationSpec]):
    """One conversation of a model with itself."""

    def run(self, task: Task) -> Program:
        """Loop until a check passes; the last draft is the answer, passed or not."""
        text = task.prompt
        for last in range(self.spec.rounds - 1, -1, -1):
            draft = task.call(text, *task.chain_tokens())
            yield task.all_ended()
            right = task.candidate(draft).right
            check = task.call(after(draft), max(round(self.spec.verify_share * draft.output_tokens), 1), 1)
            yield task.all_ended()
            if not last or task.random.random() < self._passes(right):
                break
            text = after(check)
        return Outcome(draft, path=(draft, check), right=right)

    def _passes(self, right: bool | None) -> float:
        spec = self.spec
        if right is None:
            return spec.accepts_right if spec.accepts is None else spec.accepts
        return spec.accepts_right if right else spec.accepts_wrong
