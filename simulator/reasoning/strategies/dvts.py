"""Diverse verifier tree search: independent trees, each following its own best child.

No tree waits for another, so a slow step holds up only its own. Reference: huggingface/search-and-learn.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from simpy.events import Event

from simulator.reasoning.strategies.tree import Node, TreeSearch, best
from simulator.reasoning.task import Branch, Program, Task
from simulator.scenario.reasoning.strategies import DvtsSpec


class Dvts(TreeSearch):
    """``beams / width`` trees side by side."""

    spec: DvtsSpec

    def run(self, task: Task) -> Program:
        """All trees, then the best leaf of all."""
        leaves: list[Node] = []
        trees = self.spec.beams // self.spec.width
        yield task.together(self._tree(task.branch(), leaves) for _ in range(trees))
        return (yield from self.answered(task, best(leaves)))

    def _tree(self, branch: Branch, leaves: list[Node]) -> Generator[Event, Any, None]:
        node = self.root(branch.task)
        while not node.complete:
            node = best((yield from self.expanded(branch, [(node, self.spec.width)])))
        leaves.append(node)
