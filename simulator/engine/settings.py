"""Engine settings of one replica, resolved: vLLM's names, no unknowns left."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """vLLM's scheduler and cache settings (same names, same meaning).

    ``num_gpu_blocks`` includes vLLM's null block: requests can use one block less.
    ``policy`` orders the waiting queue and chooses whom to preempt; ``scheduler`` names the
    batching policy (``vllm`` or one of the variants in ``engine.scheduler``). ``draft_positions`` are the
    chances that at least 1, 2, ... drafts are accepted, where the number of drafts follows from them;
    empty where it is always ``num_speculative_tokens``.
    """

    num_gpu_blocks: int
    block_size: int = 16
    max_model_len: int = 4096
    max_num_seqs: int = 128
    max_num_active_seqs: int | None = None
    max_num_batched_tokens: int = 2048
    max_num_scheduled_tokens: int | None = None
    enable_chunked_prefill: bool = True
    enable_prefix_caching: bool = True
    policy: str = "fcfs"
    long_prefill_token_threshold: int = 0
    long_prefill_token_threshold_adaptive: bool = False
    scheduler_reserve_full_isl: bool = True
    watermark: float = 0.0
    async_scheduling: bool = False
    num_speculative_tokens: int = 0
    draft_positions: tuple[float, ...] = ()
    scheduler: str = "vllm"

    @property
    def usable_blocks(self) -> int:
        """Blocks that requests can use."""
        return self.num_gpu_blocks - 1

    @property
    def token_budget(self) -> int:
        """Most tokens one step schedules."""
        if self.max_num_scheduled_tokens is None:
            return self.max_num_batched_tokens
        return min(self.max_num_scheduled_tokens, self.max_num_batched_tokens)

    @property
    def seats(self) -> int:
        """Most requests that run at once."""
        if self.max_num_active_seqs is None:
            return self.max_num_seqs
        return min(self.max_num_active_seqs, self.max_num_seqs)

    @property
    def watermark_blocks(self) -> int:
        """Blocks that an admission must leave free when something is running."""
        return int(self.watermark * self.num_gpu_blocks)
