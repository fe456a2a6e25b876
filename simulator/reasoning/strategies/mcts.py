"""Monte Carlo tree search over steps: select by upper confidence bounds, expand, value, back up.

One leaf at a time: what it gains in choice it pays in latency, for its calls wait for each other.
Reference: UCT (Kocsis and Szepesvari 2006), on steps as in Snell et al., arXiv 2408.03314.
"""

from __future__ import annotations

from math import log, sqrt

from simulator.reasoning.strategies.tree import Node, TreeSearch, best
from simulator.reasoning.task import Program, Task
from simulator.scenario.reasoning.strategies import MctsSpec


class Mcts(TreeSearch):
    """A number of expansions; then the path of best mean values is finished and answered."""

    spec: MctsSpec

    def run(self, task: Task) -> Program:
        """Simulations, then the answer."""
        root = self.root(task)
        for _ in range(self.spec.simulations):
            leaf = self._selected(root)
            if leaf.complete:
                _back_up(leaf, leaf.score)
                continue
            for child in (yield from self.expanded(task, [(leaf, self.spec.width)])):
                _back_up(child, child.score)
        leaf = root
        while leaf.children:
            leaf = max(leaf.children, key=lambda node: (node.visits, node.value))
        while not leaf.complete:  # the best path is not at its end yet: follow it
            leaf = best((yield from self.expanded(task, [(leaf, 1)])))
        return (yield from self.answered(task, leaf))

    def _selected(self, node: Node) -> Node:
        while node.children:
            scale = self.spec.exploration * sqrt(log(node.visits + 1))
            node = max(
                node.children,
                key=lambda child: child.value / max(child.visits, 1) + scale / sqrt(max(child.visits, 1)),
            )
        return node


def _back_up(leaf: Node, value: float) -> None:
    node: Node | None = leaf
    while node is not None:
        node.visits += 1
        node.value += value
        node = node.parent
