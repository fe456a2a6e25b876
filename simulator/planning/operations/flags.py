"""The ``vllm serve`` command line of a pool: the way back from `simulator convert vllm-args`."""

from __future__ import annotations

from simulator.planning.operations.checkpoint import checkpoint_of
from simulator.scenario.cluster import PoolSpec
from simulator.scenario.scenario import Scenario

#: Engine settings that are flags of the same name where they were said.
_SAME = (
    "block_size",
    "gpu_memory_utilization",
    "max_model_len",
    "max_num_seqs",
    "max_num_batched_tokens",
    "scheduling_policy",
    "long_prefill_token_threshold",
)
#: Those that are switches: on as ``--name``, off as ``--no-name``.
_SWITCHES = ("enable_chunked_prefill", "enable_prefix_caching", "async_scheduling")
#: Flags of the sizes of one replica.
_SIZES = {
    "tensor": "--tensor-parallel-size",
    "pipeline": "--pipeline-parallel-size",
    "data": "--data-parallel-size",
}


def vllm_command(scenario: Scenario, pool: PoolSpec) -> list[str]:
    """Words of the command line that starts one replica of a pool.

    Only what the scenario says or what differs from one device is written; the rest is vLLM's default.
    ``num_gpu_blocks`` becomes ``--num-gpu-blocks-override``.
    """
    engine = pool.engine
    checkpoint = checkpoint_of(scenario.model_of(pool), engine.kv_cache_dtype)
    words = ["vllm", "serve", checkpoint.name]
    for size, flag in _SIZES.items():
        if getattr(pool.parallelism, size) > 1:
            words += [flag, str(getattr(pool.parallelism, size))]
    if pool.parallelism.expert > 1:
        words.append("--enable-expert-parallel")
    said = engine.model_fields_set | {"max_num_seqs", "max_num_batched_tokens"}
    for name in _SAME:
        if name in said and getattr(engine, name) not in (None, "auto"):
            words += [_flag(name), str(getattr(engine, name))]
    for name in _SWITCHES:
        if name in said and getattr(engine, name) is not None:
            words.append(_flag(name if getattr(engine, name) else f"no_{name}"))
    for flag, value in checkpoint.flags:
        words += [flag, value]
    if engine.num_gpu_blocks is not None:
        words += ["--num-gpu-blocks-override", str(engine.num_gpu_blocks)]
    if engine.enforce_eager:
        words.append("--enforce-eager")
    return words


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
