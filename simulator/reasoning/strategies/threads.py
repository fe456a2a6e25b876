"""Sequential and parallel thinking in one chain (ThreadWeaver; also Multiverse, APR).

A chain that forks alternates sequential segments with sections of parallel threads. The critical path is the
sequential part and the longest thread of each section; after a section the threads' outputs are read in
one prefill (the first of them from the cache, whose place is the same), then the chain goes on.
Reference: ThreadWeaver, facebookresearch/threadweaver README.
"""

from __future__ import annotations

from itertools import pairwise
from random import Random

from simulator.engine.request import Request
from simulator.reasoning.strategies.base import Strategy
from simulator.reasoning.task import Outcome, Program, Task
from simulator.reasoning.text import Text, after
from simulator.scenario.reasoning.strategies import ThreadsSpec


class Threads(Strategy[ThreadsSpec]):
    """Fork and join."""

    def run(self, task: Task) -> Program:
        """Segments, sections, and the answer in the last segment."""
        spec, random = self.spec, task.random
        thinking, answer = task.chain_tokens()
        forks = thinking > 0 and random.random() < spec.activation
        sections = spec.sections if forks else 0
        parallel = round(thinking * spec.parallel_share) if sections else 0
        segments = _shares(thinking - parallel, sections + 1, random)
        path: list[Request] = []
        text = task.prompt
        for number in range(sections):
            if segments[number]:
                path.append(task.call(text, segments[number], 0))
                yield task.all_ended()
                text = after(path[-1])
            threads = self._fork(task, text, _shares(parallel, sections, random)[0])
            yield task.all_ended()
            text = _joined(text, threads)
            path += threads
        last = task.call(text, segments[-1], answer)
        yield task.all_ended()
        return Outcome(last, path=(*path, last), streamed=not sections, right=task.candidate(last).right)

    def _fork(self, task: Task, text: Text, tokens: int) -> list[Request]:
        """The threads of one section; each reads its outline and what came before."""
        calls = []
        for share in _shares(tokens, self.spec.threads, task.random):
            outline = text.then(task.desk.fresh_stream("outline"), self.spec.overhead_tokens)
            calls.append(task.call(outline, max(share, 1), 0))
        return calls


def _joined(text: Text, threads: list[Request]) -> Text:
    """What the chain reads after a section: all outlines and what their threads wrote."""
    joined, known = text, 0 if text.content is None else len(text.content)
    for thread in threads:
        whole = after(thread)
        if whole.content is None:
            joined = Text(joined.tokens + whole.tokens - text.tokens, None)
            continue
        for stream, offset, length in whole.content[known:]:
            joined = joined.then(str(stream), length, offset)
    return joined


def _shares(total: int, parts: int, random: Random) -> list[int]:
    """``total`` in whole parts of random size (uniform on the simplex, so the longest sets the pace)."""
    cuts = sorted(random.random() for _ in range(parts - 1))
    edges = [0, *(round(cut * total) for cut in cuts), total]
    return [after - before for before, after in pairwise(edges)]
