"""Admission as it was before paged KV caches: memory for the longest possible answer, set aside at once.

A request is admitted where prompt and ``max_tokens`` of it and of all that run fit the cache
together, so nothing is ever preempted and much of the memory stays empty (Kwon et al., "Efficient
Memory Management for Large Language Model Serving with PagedAttention", SOSP 2023, section 3.1).
Left out: fragmentation between reservations.
"""

from __future__ import annotations

from simulator.engine.request import Request
from simulator.engine.scheduler.vllm import Scheduler


class Reserving(Scheduler):
    """A scheduler that admits on reserved instead of free memory."""

    def _fits(self, request: Request, tokens: int, hit_blocks: int, ownerless: int) -> bool:
        del tokens, hit_blocks, ownerless
        return self._reserved(request) + sum(map(self._reserved, self.running)) <= self.cache.usable

    def _reserved(self, request: Request) -> int:
        """Blocks of a request at its longest, drafts of the steps under way included."""
        settings = self.settings
        drafts = settings.num_speculative_tokens * (2 if settings.async_scheduling else 1)
        tokens = request.prompt_tokens + request.max_tokens + drafts
        blocks = -(-min(tokens, settings.max_model_len) // settings.block_size)
        return min(blocks, self.cache.usable)
