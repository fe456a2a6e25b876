"""What each flag of ``vllm serve`` means to the simulation.

Names as of vLLM 0.32, and some that older versions had. The reasons are shown to
whoever pasted the flag.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple


class Effect(Enum):
    """Where the value of a flag goes."""

    ENGINE = auto()
    PARALLELISM = auto()
    EXPERT_PARALLEL = auto()
    EXPERT_EXCHANGE = auto()
    DTYPE = auto()
    QUANTIZATION = auto()
    ATTENTION_BACKEND = auto()
    SPECULATION = auto()
    COMPILATION = auto()
    NONE = auto()
    UNSUPPORTED = auto()


class Flag(NamedTuple):
    """One flag: what becomes of it, and the key it fills or the reason why it fills none."""

    effect: Effect
    text: str
    kind: type = str


def _engine(*names: str, kind: type) -> dict[str, Flag]:
    return {name.replace("_", "-"): Flag(Effect.ENGINE, name, kind) for name in names}


def _same(effect: Effect, text: str, names: str) -> dict[str, Flag]:
    return {name: Flag(effect, text) for name in names.split()}


#: Precision of the weights by vLLM's ``--quantization``; None where only the checkpoint knows.
QUANTIZATIONS: dict[str, str | None] = {
    "fp8": "fp8",
    "fbgemm_fp8": "fp8",
    "ptpc_fp8": "fp8",
    "modelopt": "fp8",
    "modelopt_fp4": "nvfp4",
    "awq": "int4",
    "awq_marlin": "int4",
    "gptq": "int4",
    "gptq_marlin": "int4",
    "auto-round": "int4",
    "bitsandbytes": "nf4",
    "mxfp4": "mxfp4",
    "experts_int8": "int8",
    "tpu_int8": "int8",
    "compressed-tensors": None,
    "gguf": None,
    "quark": None,
    "torchao": None,
}


SHORT_FLAGS = {
    "-tp": "tensor-parallel-size",
    "-pp": "pipeline-parallel-size",
    "-dp": "data-parallel-size",
    "-dpn": "data-parallel-rank",
    "-dpl": "data-parallel-size-local",
    "-dpr": "data-parallel-start-rank",
    "-dpa": "data-parallel-address",
    "-dpp": "data-parallel-rpc-port",
    "-dpb": "data-parallel-backend",
    "-dph": "data-parallel-hybrid-lb",
    "-dpe": "data-parallel-external-lb",
    "-ep": "enable-expert-parallel",
    "-dcp": "decode-context-parallel-size",
    "-pcp": "prefill-context-parallel-size",
    "-q": "quantization",
    "-cc": "compilation-config",
    "-O": "compilation-config",
    "-sc": "speculative-config",
    "-ac": "attention-config",
    "-n": "nnodes",
    "-r": "node-rank",
    "-asc": "api-server-count",
}

FLAGS: dict[str, Flag] = {
    **_engine(
        "block_size",
        "max_model_len",
        "max_num_seqs",
        "max_num_active_seqs",
        "max_num_batched_tokens",
        "max_num_scheduled_tokens",
        "long_prefill_token_threshold",
        kind=int,
    ),
    "num-gpu-blocks-override": Flag(Effect.ENGINE, "num_gpu_blocks", int),
    "max-seq-len": Flag(Effect.ENGINE, "max_model_len", int),
    **_engine("gpu_memory_utilization", "watermark", kind=float),
    **_engine(
        "enable_chunked_prefill",
        "enable_prefix_caching",
        "long_prefill_token_threshold_adaptive",
        "scheduler_reserve_full_isl",
        "async_scheduling",
        "enforce_eager",
        "enable_dbo",
        kind=bool,
    ),
    **_engine("scheduling_policy", "kv_cache_dtype", kind=str),
    "tensor-parallel-size": Flag(Effect.PARALLELISM, "tensor", int),
    "pipeline-parallel-size": Flag(Effect.PARALLELISM, "pipeline", int),
    "data-parallel-size": Flag(Effect.PARALLELISM, "data", int),
    "prefill-context-parallel-size": Flag(Effect.PARALLELISM, "context", int),
    "all2all-backend": Flag(Effect.EXPERT_EXCHANGE, "all2all_backend"),
    "enable-expert-parallel": Flag(Effect.EXPERT_PARALLEL, "expert", bool),
    "dtype": Flag(Effect.DTYPE, "weight_dtype"),
    "quantization": Flag(Effect.QUANTIZATION, "weight_dtype"),
    "attention-backend": Flag(Effect.ATTENTION_BACKEND, "attention_backend"),
    "speculative-config": Flag(Effect.SPECULATION, "num_speculative_tokens", dict),
    "compilation-config": Flag(Effect.COMPILATION, "enforce_eager", dict),
    **_same(
        Effect.NONE,
        "how the server is reached",
        "host port uds root-path api-key ssl-keyfile ssl-certfile ssl-ca-certs ssl-cert-reqs ssl-ciphers"
        " enable-ssl-refresh allowed-origins allowed-methods allowed-headers allow-credentials middleware"
        " disable-uvicorn-access-log uvicorn-log-level h11-max-header-count h11-max-incomplete-event-size"
        " headless api-server-count disable-fastapi-docs enable-offline-docs frontend-multiprocessing"
        " disable-frontend-multiprocessing enable-request-id-headers served-model-name",
    ),
    **_same(
        Effect.NONE,
        "how prompts and answers are written",
        "chat-template chat-template-content-format response-role tokenizer tokenizer-mode tokenizer-revision"
        " skip-tokenizer-init tool-call-parser tool-parser-plugin enable-auto-tool-choice tool-server"
        " reasoning-parser enable-reasoning reasoning-parser-plugin trust-request-chat-template"
        " return-tokens-as-token-ids exclude-tools-when-tool-choice-none enable-prompt-tokens-details"
        " override-generation-config generation-config default-chat-template-kwargs max-logprobs"
        " logprobs-mode structured-outputs-config guided-decoding-backend enable-server-load-tracking"
        " enable-force-include-usage enable-tokenizer-info-endpoint allowed-local-media-path"
        " allowed-media-domains seed stop-token-ids",
    ),
    **_same(
        Effect.NONE,
        "what is logged or measured",
        "disable-log-stats disable-log-requests enable-log-requests enable-log-outputs max-log-len"
        " log-config-file aggregate-engine-logging collect-detailed-traces otlp-traces-endpoint"
        " show-hidden-metrics-for-version kv-events-config log-error-stack profiler-config"
        " enable-log-deltas kv-cache-metrics kv-cache-metrics-sample cudagraph-metrics",
    ),
    **_same(
        Effect.NONE,
        "how the weights are found and loaded",
        "trust-remote-code revision code-revision download-dir load-format config-format hf-config-path"
        " hf-token model-loader-extra-config ignore-patterns use-tqdm-on-load pt-load-map-location"
        " safetensors-load-strategy enable-sleep-mode model-impl runner task convert model-tag config"
        " swap-space calculate-kv-scales prefix-caching-hash-algo",
    ),
    **_same(
        Effect.NONE,
        "how processes are started and placed",
        "distributed-executor-backend nnodes node-rank master-addr master-port data-parallel-rank"
        " data-parallel-start-rank data-parallel-size-local data-parallel-address data-parallel-rpc-port"
        " data-parallel-backend data-parallel-hybrid-lb data-parallel-external-lb ray-workers-use-nsight"
        " worker-cls worker-extension-cls max-parallel-loading-workers numa-bind scheduler-cls device"
        " additional-config disable-cascade-attn cudagraph-capture-sizes cuda-graph-sizes"
        " max-cudagraph-capture-size max-seq-len-to-capture numa-bind-nodes",
    ),
    **_same(
        Effect.UNSUPPORTED,
        "prefill and decode on separate servers are two pools with a transfer link in the scenario",
        "kv-transfer-config ec-transfer-config",
    ),
    **_same(
        Effect.UNSUPPORTED,
        "weights or KV cache in host memory are not modelled",
        "cpu-offload-gb kv-offloading-size kv-offloading-backend cpu-offload-params offload-backend"
        " offload-group-size offload-num-in-group offload-prefetch-step",
    ),
    **_same(
        Effect.UNSUPPORTED,
        "adapters are not modelled",
        "enable-lora max-loras max-lora-rank max-cpu-loras lora-modules fully-sharded-loras lora-dtype"
        " lora-extra-vocab-size default-mm-loras enable-lora-bias specialize-active-lora",
    ),
    **_same(
        Effect.UNSUPPORTED,
        "images, audio and their encoders are not modelled",
        "limit-mm-per-prompt mm-processor-kwargs mm-processor-cache-gb mm-encoder-tp-mode"
        " mm-encoder-attn-backend media-io-kwargs interleave-mm-strings skip-mm-profiling"
        " language-model-only disable-chunked-mm-input video-pruning-rate mm-processor-cache-type"
        " enable-mm-embeds",
    ),
    **_same(
        Effect.UNSUPPORTED,
        "devices that share sequences do so for prompts and outputs alike (prefill-context-parallel-size)",
        "decode-context-parallel-size dcp-kv-cache-interleave-size"
        " cp-kv-cache-interleave-size dcp-comm-backend",
    ),
    **_same(
        Effect.UNSUPPORTED,
        "the exchange between experts is modelled without such details",
        "enable-eplb eplb-config dbo-decode-token-threshold ubatch-size"
        " dbo-prefill-token-threshold num-redundant-experts expert-placement-strategy moe-backend"
        " enable-elastic-ep",
    ),
    **_same(
        Effect.UNSUPPORTED,
        "the scheduler has no such limit",
        "max-num-partial-prefills max-long-partial-prefills num-scheduler-steps preemption-mode"
        " scheduler-delay-factor num-lookahead-slots use-v2-block-manager",
    ),
    **_same(Effect.UNSUPPORTED, "tokens reach the client one by one", "stream-interval"),
    **_same(
        Effect.UNSUPPORTED,
        "give drafts as --speculative-config with num_speculative_tokens",
        "speculative-model num-speculative-tokens speculative-draft-tensor-parallel-size"
        " ngram-prompt-lookup-max ngram-prompt-lookup-min",
    ),
    **_same(
        Effect.UNSUPPORTED,
        "the collectives are those of the measured series",
        "disable-custom-all-reduce disable-nccl-for-dp-synchronization",
    ),
    **_same(
        Effect.UNSUPPORTED,
        "the model's shape is that of its card: write a card of your own",
        "hf-overrides rope-scaling rope-theta override-attention-dtype disable-sliding-window"
        " disable-hybrid-kv-cache-manager mamba-cache-dtype mamba-ssm-cache-dtype mamba-block-size"
        " mamba-cache-mode kv-sharing-fast-prefill pooler-config logits-processors"
        " logits-processor-pattern attention-config",
    ),
    **_same(
        Effect.UNSUPPORTED,
        "memory for the KV cache follows from gpu_memory_utilization or num_gpu_blocks",
        "kv-cache-memory-bytes kv-cache-memory",
    ),
    **_same(
        Effect.UNSUPPORTED, "optimisation levels are not told apart", "optimization-level performance-mode"
    ),
}
