"""Beam search over steps: all candidates of a level are scored before the next begins.

Reference: Snell et al., arXiv 2408.03314; huggingface/search-and-learn (width 4, beams 4 to 256, 40 steps).
"""

from __future__ import annotations

from simulator.reasoning.strategies.tree import Node, TreeSearch, best
from simulator.reasoning.task import Program, Task
from simulator.scenario.reasoning.strategies import BeamSearchSpec


class BeamSearch(TreeSearch):
    """The best ``beams / width`` of a level each get ``width`` children."""

    spec: BeamSearchSpec

    def run(self, task: Task) -> Program:
        """Level by level."""
        spec = self.spec
        root = self.root(task)
        wanted: list[tuple[Node, int]] = [(root, spec.beams)]
        for _ in range(root.last):
            level = yield from self.expanded(task, wanted)
            level.sort(key=lambda node: node.score, reverse=True)
            kept = level[: spec.beams // spec.width]
            wanted = [(node, spec.width) for node in kept]
        return (yield from self.answered(task, best(kept)))
