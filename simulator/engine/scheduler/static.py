"""Static batching: a batch is formed, runs until its last request ends, and only then comes the next.

What serving systems for other networks did, and batched inference in frameworks still does; the
baseline of Yu et al., "Orca: A Distributed Serving System for Transformer-Based Generative
Models", OSDI 2022. Seats of requests that end early stay empty. Their prompts may take several
steps, within the token budget. Left out: padding to the longest request, and holding answers
back until the whole batch is done.
"""

from __future__ import annotations

from simulator.engine.kv_cache import KVCache
from simulator.engine.request import Request
from simulator.engine.scheduler.plan import StepPlan
from simulator.engine.scheduler.reserving import Reserving
from simulator.engine.settings import EngineSettings


class StaticBatching(Reserving):
    """The batch is whoever waits when nothing runs, as far as seats and memory reach."""

    def __init__(self, settings: EngineSettings, cache: KVCache) -> None:
        super().__init__(settings, cache)
        self._to_come = 0  # of the present batch, those whose prompt has not begun

    def _admit(self, plan: StepPlan, budget: int, cap: int) -> None:
        if not self.running:
            self._to_come = min(len(self.waiting), self.settings.seats)
        super()._admit(plan, budget, cap)
        self._to_come = max(0, self._to_come - len(plan.admitted))

    def _has_seat(self, plan: StepPlan) -> bool:
        return len(plan.admitted) < self._to_come

    def _fits(self, request: Request, tokens: int, hit_blocks: int, ownerless: int) -> bool:
        fits = super()._fits(request, tokens, hit_blocks, ownerless)
        if not fits:
            self._to_come = 0  # the batch goes without those who found no room
        return fits
