"""A pasted ``vllm serve`` command line becomes a pool."""

from __future__ import annotations

import pytest
import yaml

from simulator.errors import InputError
from simulator.scenario.engine import EngineSpec
from simulator.scenario.hugging_face import card_of_checkpoint
from simulator.scenario.loading import load_scenario
from simulator.scenario.vllm.args import pool_from_vllm_args
from simulator.scenario.vllm.flags import FLAGS, SHORT_FLAGS, Effect

LLAMA = "meta-llama/Llama-3.1-70B-Instruct"


def engine_of(flags: str) -> dict:
    return pool_from_vllm_args(f"vllm serve {LLAMA} {flags}", "h100").pool["engine"]


def test_a_command_line_becomes_a_model_and_a_pool():
    conversion = pool_from_vllm_args(
        f"vllm serve {LLAMA} --tensor-parallel-size 4 --max-num-seqs 256 --max-model-len 16384", "h100"
    )
    assert conversion.model == {"card": "llama-3.1-70b"}
    assert conversion.pool["parallelism"] == {"tensor": 4}
    assert conversion.pool["engine"]["max_num_seqs"] == 256
    assert not conversion.ignored and not conversion.unsupported


def test_what_is_written_loads_as_a_scenario(small):
    text = f"vllm serve {LLAMA} -tp 4 --speculative-config.num_speculative_tokens 2 --enable-lora"
    content = yaml.safe_load(pool_from_vllm_args(text).to_yaml())
    scenario = load_scenario(small | content)
    assert scenario.cluster.pools[0].parallelism.tensor == 4
    assert scenario.cluster.pools[0].engine.num_speculative_tokens == 2


@pytest.mark.parametrize(
    "text",
    [
        f"vllm serve {LLAMA} -tp 2 --max-num-seqs 64",
        f"vllm serve {LLAMA} -tp=2 --max-num-seqs=64",
        f"vllm serve {LLAMA} --tensor_parallel_size 2 --max_num_seqs 64",
        f"vllm serve --tensor-parallel-size 2 --max-num-seqs 64 --model {LLAMA}",
        f"vllm serve -tp 2 --max-num-seqs 64 {LLAMA}",
        f"vllm serve '{LLAMA}' \\\n  --tensor-parallel-size 2 \\\n  --max-num-seqs 64\n",
        f"CUDA_VISIBLE_DEVICES=0,1 nohup vllm serve {LLAMA} -tp 2 --max-num-seqs 64 > log 2>&1 &",
        f"python3 -m vllm.entrypoints.openai.api_server --model {LLAMA} -tp 2 --max-num-seqs 64",
        f"docker run --gpus all -p 80:80 vllm/vllm-openai:v0.11.0 --model {LLAMA} -tp 2 --max-num-seqs 64",
        f"$ /opt/venv/bin/vllm serve {LLAMA} -tp 2 --max-num-seqs 64  # our server",
    ],
)
def test_every_way_of_writing_it_means_the_same(text):
    conversion = pool_from_vllm_args(text, "h100")
    assert conversion.model == {"card": "llama-3.1-70b"}
    assert conversion.pool["parallelism"] == {"tensor": 2}
    assert conversion.pool["engine"]["max_num_seqs"] == 64


@pytest.mark.parametrize(
    ("flags", "key", "value"),
    [
        ("--no-enable-prefix-caching", "enable_prefix_caching", False),
        ("--enable-prefix-caching", "enable_prefix_caching", True),
        ("--enable-chunked-prefill=false --max-model-len 8k", "enable_chunked_prefill", False),
        ("--max-model-len 8k", "max_model_len", 8000),
        ("--max-model-len 8K", "max_model_len", 8192),
        ("--gpu-memory-utilization 0.95", "gpu_memory_utilization", 0.95),
        ("--num-gpu-blocks-override 1000", "num_gpu_blocks", 1000),
        ("--kv-cache-dtype fp8", "kv_cache_dtype", "fp8"),
        ("--scheduling-policy priority", "scheduling_policy", "priority"),
        ("--enforce-eager --port 1", "enforce_eager", True),
        ('--compilation-config \'{"cudagraph_mode": "NONE"}\'', "enforce_eager", True),
        ("-O0", "enforce_eager", True),
        ("--speculative-config '{\"num_speculative_tokens\": 3}'", "num_speculative_tokens", 3),
        ("--speculative-config.num_speculative_tokens 3", "num_speculative_tokens", 3),
    ],
)
def test_engine_flags_keep_their_meaning(flags, key, value):
    assert engine_of(flags)[key] == value


def test_an_automatic_length_stays_unsaid():
    assert "max_model_len" not in engine_of("--max-model-len auto")


@pytest.mark.parametrize(
    ("name", "card", "dtype"),
    [
        (LLAMA, "llama-3.1-70b", None),
        ("RedHatAI/Meta-Llama-3.1-70B-Instruct-FP8", "llama-3.1-70b", "fp8"),
        ("RedHatAI/Meta-Llama-3.1-70B-Instruct-quantized.w4a16", "llama-3.1-70b", "int4"),
        ("RedHatAI/Meta-Llama-3.1-8B-Instruct-FP8-dynamic", "llama-3.1-8b", "fp8"),
        ("Qwen/Qwen3-32B-AWQ", "qwen3-32b", "int4"),
        ("nvidia/Llama-3.1-70B-Instruct-NVFP4", "llama-3.1-70b", "nvfp4"),
        ("/models/qwen3-32b", "qwen3-32b", None),
        ("openai/gpt-oss-120b", "gpt-oss-120b", None),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", "mixtral-8x7b", None),
    ],
)
def test_checkpoint_names_lead_to_cards_and_precisions(name, card, dtype):
    checkpoint = card_of_checkpoint(name)
    assert checkpoint.card is not None
    assert (checkpoint.card.id, checkpoint.weight_dtype) == (card, dtype)


def test_an_unknown_model_is_kept_and_pointed_out():
    conversion = pool_from_vllm_args("vllm serve acme/llama-3.1-71b", "h100")
    assert conversion.model == {"card": "acme/llama-3.1-71b"}
    assert any("no card" in note and "did you mean" in note for note in conversion.notes)


@pytest.mark.parametrize("flags", ["--quantization fp8 --dtype bfloat16", "--dtype bfloat16 -q fp8"])
def test_quantisation_decides_over_the_dtype(flags):
    assert pool_from_vllm_args(f"vllm serve {LLAMA} {flags}").model["weight_dtype"] == "fp8"


def test_data_parallel_replicas_of_a_dense_model_are_engines_of_their_own():
    dense = pool_from_vllm_args(f"vllm serve {LLAMA} -tp 2 -dp 4", "h100").pool
    assert (dense["replicas"], dense["parallelism"]) == (4, {"tensor": 2})
    sparse = pool_from_vllm_args("vllm serve deepseek-ai/DeepSeek-R1 -dp 8 --enable-expert-parallel").pool
    assert (sparse["replicas"], sparse["parallelism"]) == (1, {"data": 8, "expert": 8})


def test_vllms_defaults_follow_the_device():
    large, small = (
        pool_from_vllm_args(f"vllm serve {LLAMA}", name).pool["engine"] for name in ("h100", "l40s")
    )
    assert (large["max_num_seqs"], large["max_num_batched_tokens"]) == (1024, 8192)
    assert (small["max_num_seqs"], small["max_num_batched_tokens"]) == (256, 2048)


def test_flags_are_set_aside_with_a_reason():
    conversion = pool_from_vllm_args(
        f"VLLM_USE_V1=0 vllm serve {LLAMA} --port 8000 --served-model-name a b"
        " --enable-lora --kv-transfer-config '{\"x\": 1}' --frobnicate-all 4"
    )
    assert {aside.flag for aside in conversion.ignored} == {"--port", "--served-model-name"}
    reasons = {aside.flag: aside.reason for aside in conversion.unsupported}
    assert set(reasons) == {"VLLM_USE_V1", "--enable-lora", "--kv-transfer-config", "--frobnicate-all"}
    assert "unknown flag" in reasons["--frobnicate-all"]
    assert "two pools" in reasons["--kv-transfer-config"]


def test_what_is_assumed_is_said():
    conversion = pool_from_vllm_args(f"vllm serve {LLAMA} --speculative-config.num_speculative_tokens 3")
    text = conversion.to_yaml()
    assert "# hardware: nvidia-h100-sxm is assumed" in text
    assert "# speculative_acceptance: 0.7 is assumed" in text


def test_the_attention_kernel_may_come_from_the_environment():
    conversion = pool_from_vllm_args(f"VLLM_ATTENTION_BACKEND=FLASHINFER vllm serve {LLAMA}")
    assert conversion.pool["latency"]["attention_backend"] == "flashinfer"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ls -l", "found no vllm server"),
        ("", "found no vllm server"),
        ("vllm serve", "no model"),
        ("vllm serve 'a", "No closing quotation"),
        ("vllm serve a --max-num-seqs many", "--max-num-seqs: found 'many', expected a whole number"),
        ("vllm serve a --max-num-seqs", "--max-num-seqs: found no value"),
        ("vllm serve a --gpu-memory-utilization x", "expected a number"),
        ("vllm serve a b --max-num-seqs 3", "found 'b' where a flag was expected"),
        ("vllm serve a --enforce-eager maybe", "found 'maybe' where a flag was expected"),
        ("vllm serve a --speculative-config '{x'", "expected JSON"),
        ("vllm serve a --speculative-config '{}'", "how many tokens are drafted"),
        ("vllm serve a -xy 3", "unknown flag '-xy'"),
        ("vllm serve a --max-nm-seqs 3", "unknown flag --max-nm-seqs .did you mean 'max-num-seqs'"),
    ],
)
def test_what_cannot_be_read_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        pool_from_vllm_args(text, "h100")


def test_every_engine_flag_is_an_engine_setting():
    keys = {flag.text for flag in FLAGS.values() if flag.effect is Effect.ENGINE}
    assert keys <= set(EngineSpec.model_fields)


def test_every_short_flag_stands_for_a_known_one():
    assert set(SHORT_FLAGS.values()) <= set(FLAGS)


def test_the_way_to_the_experts_and_shared_prompts_are_understood():
    found = pool_from_vllm_args(
        "vllm serve m -dp 8 -ep --all2all-backend deepep_low_latency --enable-dbo -pcp 2"
    )
    assert found.pool["engine"]["all2all_backend"] == "deepep_low_latency"
    assert found.pool["engine"]["enable_dbo"] is True
    assert found.pool["parallelism"]["context"] == 2


def test_kernels_that_are_not_modelled_are_set_aside():
    found = pool_from_vllm_args("vllm serve m --all2all-backend pplx")
    assert any("all2all-backend" in aside.flag for aside in found.unsupported)


@pytest.mark.parametrize(
    ("flag", "key"),
    [("-tp 0", "parallelism.tensor"), ("--gpu-memory-utilization 1.5", "engine.gpu_memory_utilization")],
)
def test_values_that_no_pool_can_have_are_refused(flag, key):
    with pytest.raises(InputError) as refused:
        pool_from_vllm_args(f"vllm serve meta-llama/Llama-3.1-8B-Instruct {flag}")
    assert refused.value.key == key
