"""Longest prefix first: whoever finds most of its prompt in the cache is admitted first.

Serves requests with a common prefix together, before their blocks are evicted. Zheng et al.,
"SGLang: Efficient Execution of Structured Language Model Programs", NeurIPS 2024 (cache-aware
scheduling, policy ``lpm``). As there, a line longer than 128 keeps the order of arrival: the
look-ups would cost too much. Left out: putting off requests whose prefix others are just about
to compute (here blocks can be hit as soon as they are scheduled).
"""

from __future__ import annotations

from simulator.engine.request import Request
from simulator.engine.scheduler.plan import StepPlan
from simulator.engine.scheduler.queues import ArrivalOrder
from simulator.engine.scheduler.vllm import Scheduler

#: Longest line that is put in order of hits.
LONGEST_LINE = 128


class LongestPrefixFirst(Scheduler):
    """The waiting line by cached tokens in every step, then arrival."""

    waiting: ArrivalOrder

    def _line(self) -> ArrivalOrder:
        return ArrivalOrder()

    def _admit(self, plan: StepPlan, budget: int, cap: int) -> None:
        in_order = len(self.waiting) > LONGEST_LINE
        self.waiting.reorder(_by_arrival if in_order else self._by_hits)
        super()._admit(plan, budget, cap)

    def _by_hits(self, request: Request) -> tuple[int, int, int]:
        _, _, _, tokens = self._look_up(request)
        return -tokens, *_by_arrival(request)


def _by_arrival(request: Request) -> tuple[int, int]:
    return request.arrival_ns, request.index
