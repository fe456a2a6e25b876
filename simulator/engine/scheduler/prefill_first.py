"""Prompts before decodes: a step computes either whole prompts or one token of every running request.

The default of vLLM before its V1 engine (Kwon et al., "Efficient Memory Management for Large
Language Model Serving with PagedAttention", SOSP 2023; vLLM's V0 scheduler without chunked
prefill). New requests get their first token early and every decode waits meanwhile. V0 kept
1 % of the blocks free on admission: set ``watermark: 0.01``. Left out: swapping to host memory.
"""

from __future__ import annotations

from simulator.engine.scheduler.plan import StepPlan
from simulator.engine.scheduler.vllm import Scheduler


class PrefillFirst(Scheduler):
    """Admits whoever fits; decodes only in steps in which nobody did."""

    splits_prompts = False

    def _fill(self, plan: StepPlan, budget: int, cap: int) -> None:
        self._admit(plan, budget, cap)
        if not plan.entries:
            self._schedule_running(plan, budget, cap)
