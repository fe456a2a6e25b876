"""What tree searches share: nodes, steps that are scored, and the answer at the end of a path.

A step is a call that continues the text of its node; its score is another. Children of a node share its
KV blocks through the prefix cache, which is all the copy-on-write that forking needs.

Scores decide only the shape of a tree here: they follow a random walk from a node to its children
plus the noise of the verifier. No accuracy is derived from them, for no published law says how step scores
turn into right answers; a run of a tree search reports cost and latency.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from math import ceil, exp
from typing import Any

from simpy.events import Event

from simulator.engine.request import Request
from simulator.reasoning.draws import length_draw, mean_length
from simulator.reasoning.strategies.base import Strategy
from simulator.reasoning.strategies.verifying import verify
from simulator.reasoning.task import Branch, Outcome, Task
from simulator.reasoning.text import Text, after
from simulator.scenario.reasoning.strategies import BeamSearchSpec, DvtsSpec, MctsSpec, RebaseSpec

AnyTreeSpec = BeamSearchSpec | DvtsSpec | RebaseSpec | MctsSpec

#: How far the merit of a thought moves in one step, in logits.
_WALK = 0.5


class Node:
    """A partial solution: the text so far, how good it looks, and how it came about."""

    __slots__ = ("children", "depth", "last", "merit", "parent", "score", "step", "text", "value", "visits")

    def __init__(self, text: Text, parent: Node | None, step: Request | None, last: int) -> None:
        self.text = text
        self.parent = parent
        self.step = step
        self.last = last
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.merit = 0.0
        self.score = 0.5
        self.children: list[Node] = []
        self.visits = 0
        self.value = 0.0

    @property
    def complete(self) -> bool:
        """Whether this is a whole solution."""
        return self.depth >= self.last

    def path(self) -> list[Request]:
        """The steps from the root to here."""
        steps: list[Request] = []
        node: Node | None = self
        while node is not None and node.step is not None:
            steps.append(node.step)
            node = node.parent
        return steps[::-1]


class TreeSearch(Strategy[Any]):
    """Base of the searches."""

    spec: AnyTreeSpec

    def __init__(self, spec: AnyTreeSpec) -> None:
        super().__init__(spec)
        self._step = length_draw(spec.step_tokens)
        self._mean_step = mean_length(spec.step_tokens)

    def root(self, task: Task) -> Node:
        """The task before its first step; it says how many steps a solution takes."""
        depth = self.spec.depth
        if depth is None:
            depth = ceil((task.thinking or task.answer) / self._mean_step)
        most = self.spec.most_depth
        if most is not None and most < depth:
            task.cut_by_depth, depth = True, most
        return Node(task.prompt, None, None, max(depth, 1))

    def expanded(
        self, branch: Branch, wanted: Iterable[tuple[Node, int]]
    ) -> Generator[Event, Any, list[Node]]:
        """Grow so many children of each node; they come back scored, in order of their scores' arrival."""
        steps: dict[Request, Node] = {}
        checks: dict[Request, Node] = {}
        random = branch.task.random
        for node, count in wanted:
            for _ in range(count):
                steps[branch.call(node.text, self._step(random), 0)] = node
        grown: list[Node] = []
        for _ in range(2 * len(steps)):
            ended = yield branch.next_end()
            scored = checks.pop(ended, None)
            if scored is not None:
                grown.append(scored)
                continue
            parent = steps[ended]
            child = Node(after(ended), parent, ended, parent.last)
            self._rate(child, parent, branch.task)
            parent.children.append(child)
            checks[verify(branch, ended, self.spec.verifier)] = child
        return grown

    def answered(self, task: Task, leaf: Node) -> Generator[Event, Any, Outcome]:
        """Write the answer that a path leads to."""
        answer = task.call(leaf.text, 0, task.answer)
        yield task.all_ended()
        return Outcome(answer, path=(*leaf.path(), answer))

    def _rate(self, child: Node, parent: Node, task: Task) -> None:
        random, d_prime = task.random, self.spec.verifier.d_prime
        child.merit = parent.merit + _WALK * random.gauss(0.0, 1.0)
        seen = child.merit + (random.gauss(0.0, 1.0) / d_prime if d_prime else 4.0 * random.gauss(0.0, 1.0))
        child.score = 1.0 / (1.0 + exp(-seen)) if seen > -500.0 else 0.0


def best(nodes: Iterable[Node]) -> Node:
    """The node with the highest score."""
    return max(nodes, key=lambda node: node.score)
