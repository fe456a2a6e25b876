"""Reward-balanced search: a level's children are shared out by the softmax of the scores.

Good nodes get many children, poor ones few or none; a complete solution takes one leaf from the budget.
Reference: Wu et al., arXiv 2408.00724.
"""

from __future__ import annotations

from math import exp

from simulator.reasoning.strategies.tree import Node, TreeSearch, best
from simulator.reasoning.task import Program, Task
from simulator.scenario.reasoning.strategies import RebaseSpec


class Rebase(TreeSearch):
    """A budget of leaves, spent where the scores say."""

    spec: RebaseSpec

    def run(self, task: Task) -> Program:
        """Level by level, with fewer children as solutions are complete."""
        root = self.root(task)
        left, leaves = self.spec.beams, []
        wanted: list[tuple[Node, int]] = [(root, left)]
        while wanted:
            level = yield from self.expanded(task, wanted)
            done = [node for node in level if node.complete]
            leaves += done
            left -= len(done)
            wanted = self._shared_out([node for node in level if not node.complete], left)
        return (yield from self.answered(task, best(leaves)))

    def _shared_out(self, nodes: list[Node], children: int) -> list[tuple[Node, int]]:
        """Children of each node, by largest remainders so that all are spent."""
        if not nodes:
            return []
        weights = [exp((node.score - 1.0) / self.spec.temperature) for node in nodes]
        total = sum(weights)
        exact = [max(children, 1) * weight / total for weight in weights]
        counts = [int(share) for share in exact]
        spare = max(children, 1) - sum(counts)
        order = sorted(range(len(nodes)), key=lambda i: counts[i] - exact[i])
        for i in order[:spare]:
            counts[i] += 1
        return [(node, count) for node, count in zip(nodes, counts, strict=True) if count]
