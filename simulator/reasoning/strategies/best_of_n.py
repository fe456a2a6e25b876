"""Best of N: chains in parallel, each scored as soon as it ends; the best score is the answer.

With a perfect verifier the answer is right where any chain is (coverage); with a noisy one accuracy rises,
levels off and falls again, as the best of many wrong scores overtakes the right ones.
References: Cobbe et al., arXiv 2110.14168; Brown et al., arXiv 2407.21787.
"""

from __future__ import annotations

from simulator.engine.request import Request
from simulator.reasoning.judging import score
from simulator.reasoning.strategies.base import Strategy
from simulator.reasoning.strategies.verifying import verify
from simulator.reasoning.task import Outcome, Program, Task
from simulator.scenario.reasoning.strategies import BestOfNSpec


class BestOfN(Strategy[BestOfNSpec]):
    """All chains start at once and share the prompt's KV cache."""

    def run(self, task: Task) -> Program:
        """Sample, verify, choose."""
        spec = self.spec
        chains = [task.think(spec.budget) for _ in range(spec.samples)]
        judged: dict[Request, Request] = {}
        for _ in range(2 * len(chains)):
            ended = yield task.next_end()
            if ended not in judged:
                judged[verify(task, ended, spec.verifier)] = ended
        best, best_score, best_right = None, float("-inf"), None
        for chain in chains:
            right = task.candidate(chain).right
            value = score(right, spec.verifier.d_prime, task.random)
            if value > best_score:
                best, best_score, best_right = chain, value, right
        return Outcome(best, right=best_right)
