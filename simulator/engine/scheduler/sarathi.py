"""Stall-free batching: every decode first, then as much prefill as the token budget has left.

Agrawal et al., "Taming Throughput-Latency Tradeoff in LLM Inference with Sarathi-Serve", OSDI
2024. ``max_num_batched_tokens`` is its token budget. vLLM's V1 scheduler took chunked prefill
from it but walks the running requests in order of admission: the two differ where a prompt
that is still being computed stands before a decode and leaves it no budget.
"""

from __future__ import annotations

from simulator.engine.request import Request
from simulator.engine.scheduler.plan import StepPlan
from simulator.engine.scheduler.vllm import Scheduler


class Sarathi(Scheduler):
    """Decodes, then prompts that have begun, each in order of arrival, then new ones."""

    def _schedule_running(self, plan: StepPlan, budget: int, cap: int) -> int:
        self.running.sort(key=_decodes_first)
        return super()._schedule_running(plan, budget, cap)


def _decodes_first(request: Request) -> tuple[bool, int, int]:
    return request.is_prefill_chunk, request.arrival_ns, request.index
