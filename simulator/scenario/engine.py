"""Settings of the serving engine, under vLLM's own names and with vLLM's defaults.

The meaning of each setting is that of vLLM 0.32 (V1 engine). Where vLLM's default
depends on the device (``max_num_seqs``, ``max_num_batched_tokens``), the default here is
the one for smaller devices and API servers; `simulator.scenario.vllm.args` writes out
what a pasted command line would have meant on a given device.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.scenario.engine_versions import version_defaults
from simulator.scenario.spec import Count, CountOrZero, Share, Spec
from simulator.scenario.speculation import MOST_DRAFTS

#: Variants of the step scheduler. ``vllm`` is vLLM's V1 scheduler.
SchedulerName = Literal[
    "vllm",
    "static",
    "orca",
    "sarathi",
    "prefill_first",
    "shortest_job_first",
    "longest_prefix_first",
]
#: Those that compute every prompt in one step.
WHOLE_PROMPTS = ("orca", "prefill_first")
#: Those whose waiting line has an order of its own.
OWN_ORDER = ("shortest_job_first", "longest_prefix_first")


#: vLLM's ways of taking tokens to their experts.
ExpertExchange = Literal["allgather_reducescatter", "deepep_high_throughput", "deepep_low_latency"]


class EngineSpec(Spec):
    """One replica's engine."""

    scheduler: SchedulerName = "vllm"
    """Which rules choose the tokens of a step: `vllm` is the scheduler of vLLM's V1 engine, `static` waits
    for a batch to end, `orca` batches decodes with whole prompts, `sarathi` schedules decodes first,
    `prefill_first` lets decodes wait for prompts (vLLM V0), `shortest_job_first` and `longest_prefix_first`
    reorder the waiting line."""

    engine_version: str = "0.32.0"
    """Version of vLLM; decides what it does where asynchronous scheduling and the sampler are not said."""

    block_size: Count = 16
    """Tokens in one KV-cache block [tokens]."""

    num_gpu_blocks: Annotated[Count, Field(ge=2)] | None = None
    """KV-cache blocks of one replica, vLLM's null block included (usable: one fewer);
    default: what the memory left by the weights holds."""

    gpu_memory_utilization: Annotated[float, Field(gt=0.0, le=1.0)] = 0.9
    """Share of each device's memory that weights, activations and KV cache may use."""

    max_model_len: Count | None = None
    """Longest prompt plus output [tokens]; default: the model's context length."""

    max_num_seqs: Count = 256
    """Most requests running at once."""

    max_num_active_seqs: Count | None = None
    """Most requests scheduled at once; default: `max_num_seqs`."""

    max_num_batched_tokens: Count = 8192
    """Most tokens in one step [tokens]."""

    max_num_scheduled_tokens: Count | None = None
    """Most tokens the scheduler hands out in one step; default: `max_num_batched_tokens`."""

    enable_chunked_prefill: bool = True
    """Whether a prompt may be computed over several steps."""

    enable_prefix_caching: bool = True
    """Whether whole blocks that an earlier request computed are reused."""

    scheduling_policy: Literal["fcfs", "priority"] = "fcfs"
    """Order of the waiting queue, and who is preempted: first come first served, or by priority."""

    long_prefill_token_threshold: CountOrZero = 0
    """Most tokens of one request in one step [tokens]; 0: no such limit."""

    long_prefill_token_threshold_adaptive: bool = False
    """Raise that limit to an equal share of the step among all requests."""

    scheduler_reserve_full_isl: bool = True
    """Admit a request only if the blocks for its whole known sequence are free."""

    watermark: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Share of the blocks that must stay free for an admission while others run."""

    async_scheduling: bool | None = None
    """Schedule the next step while the present one executes; default: as the engine version does."""

    length_prediction_error: Annotated[float, Field(ge=0.0)] = 0.0
    """Of `shortest_job_first`: standard deviation of the logarithm of predicted over true output length."""

    num_speculative_tokens: Annotated[CountOrZero, Field(le=MOST_DRAFTS)] = 0
    """Draft tokens per decode step, made for nothing; 0: none. Drafts that cost something: the pool's
    section `speculative`."""

    speculative_acceptance: Share | None = None
    """Chance that a draft token is accepted once all before it were; required with drafts."""

    enforce_eager: bool = False
    """Run without CUDA graphs: every kernel is launched from the host."""

    kv_cache_dtype: str = "auto"
    """Precision of the KV cache; `auto`: the model's `kv_dtype`."""

    all2all_backend: ExpertExchange = "allgather_reducescatter"
    """How tokens of data-parallel ranks reach their experts: all to all devices, or each to its own experts
    only, one copy per node (`deepep_high_throughput`) or one per expert (`deepep_low_latency`)."""

    enable_dbo: bool = False
    """Two half batches take turns, so that the exchange of one hides behind the products of the other."""

    @property
    def schedules_ahead(self) -> bool:
        """Whether scheduling is asynchronous, said or by default."""
        if self.async_scheduling is not None:
            return self.async_scheduling
        return version_defaults(self.engine_version).async_scheduling

    @property
    def splits_prompts(self) -> bool:
        """Whether a prompt may be computed over several steps."""
        return self.enable_chunked_prefill and self.scheduler not in WHOLE_PROMPTS

    @model_validator(mode="after")
    def _suits_the_scheduler(self) -> Self:
        if self.scheduler in WHOLE_PROMPTS and self.long_prefill_token_threshold:
            raise ValueError(
                f"long_prefill_token_threshold would split prompts, but scheduler {self.scheduler!r}"
                " computes them whole"
            )
        if self.scheduler in OWN_ORDER and self.scheduling_policy != "fcfs":
            raise ValueError(
                f"scheduling_policy is {self.scheduling_policy!r}, but scheduler {self.scheduler!r}"
                " has an order of its own; leave it at 'fcfs'"
            )
        if self.scheduler == "longest_prefix_first" and not self.enable_prefix_caching:
            raise ValueError("scheduler 'longest_prefix_first' needs enable_prefix_caching")
        if self.length_prediction_error and self.scheduler != "shortest_job_first":
            raise ValueError("length_prediction_error has no effect without scheduler 'shortest_job_first'")
        return self

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.num_speculative_tokens and self.speculative_acceptance is None:
            raise ValueError(
                "num_speculative_tokens needs speculative_acceptance, the chance that a draft token"
                " is accepted (0.6 to 0.8 is common for a good draft)"
            )
        if self.speculative_acceptance is not None and not self.num_speculative_tokens:
            raise ValueError("speculative_acceptance has no effect without num_speculative_tokens")
        if (
            not self.splits_prompts
            and self.max_model_len is not None
            and self.max_num_batched_tokens < self.max_model_len
        ):
            raise ValueError(
                "without chunked prefill a prompt must fit one step: max_num_batched_tokens is"
                f" {self.max_num_batched_tokens}, but must be at least max_model_len = {self.max_model_len}"
            )
        if self.max_num_batched_tokens < self.max_num_seqs:
            raise ValueError(
                f"max_num_batched_tokens is {self.max_num_batched_tokens}, but must be at least"
                f" max_num_seqs = {self.max_num_seqs}, as in vLLM"
            )
        return self
