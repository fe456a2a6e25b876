"""The command line of a design serves the model in the precision that was simulated."""

from __future__ import annotations

import shlex

import pytest

from simulator.models.catalogue import load_model
from simulator.models.precision import bytes_per_value
from simulator.planning.operations.checkpoint import checkpoint_of
from simulator.planning.operations.flags import vllm_command
from simulator.scenario.loading import load_scenario
from simulator.scenario.model import ModelSpec
from simulator.scenario.vllm.args import pool_from_vllm_args


@pytest.mark.parametrize("dtype", ["auto", "bf16", "fp16", "fp8", "int8", "int4", "nvfp4"])
@pytest.mark.parametrize("card", ["llama-3.1-70b", "deepseek-v3"])
def test_the_command_line_is_read_back_as_the_same_model_in_the_same_precision(card, dtype):
    overrides = [f"model={{card: {card}, weight_dtype: {dtype}}}"]
    scenario = load_scenario("azure-conv-h100", overrides)
    (pool,) = scenario.cluster.pools
    read = pool_from_vllm_args(shlex.join(vllm_command(scenario, pool)), pool.hardware).model
    published = load_model(card).weight_dtype
    asked = published if dtype == "auto" else dtype
    assert read["card"] == card
    assert bytes_per_value(read.get("weight_dtype", published)) == bytes_per_value(asked)


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("deepseek-v3", "deepseek-ai/DeepSeek-V3"),
        ("deepseek-r1", "deepseek-ai/DeepSeek-R1"),
        ("deepseek-r1-0528", "deepseek-ai/DeepSeek-R1-0528"),
        ("llama-3.3-70b", "meta-llama/Llama-3.3-70B-Instruct"),
        ("meta-llama/Llama-3.1-70B-Instruct", "meta-llama/Llama-3.1-70B-Instruct"),
        ("mistral-small-3", "mistralai/Mistral-Small-24B-Base-2501"),
    ],
)
def test_the_checkpoint_is_that_of_the_name_that_was_asked_for(asked, served):
    """Several models have the shape of one card."""
    assert checkpoint_of(ModelSpec(card=asked)).name == served


def test_a_checkpoint_that_others_publish_is_to_be_named_by_the_reader():
    found = checkpoint_of(ModelSpec(card="llama-3.1-70b", weight_dtype="int4"))
    assert found.name == "meta-llama/Llama-3.1-70B-INT4"
    assert "stands for a checkpoint of meta-llama/Llama-3.1-70B in int4" in found.remark


def test_the_format_of_the_cache_is_a_flag_said_once():
    overrides = ["model.kv_dtype=fp8"]
    for more in ([], ["cluster.pools[0].engine.kv_cache_dtype=fp8"]):
        scenario = load_scenario("azure-conv-h100", [*overrides, *more])
        words = vllm_command(scenario, scenario.cluster.pools[0])
        assert words.count("--kv-cache-dtype") == 1
        assert words[words.index("--kv-cache-dtype") + 1] == "fp8"


@pytest.mark.parametrize(("cache", "kept"), [("auto", True), ("fp8", True), ("int8", False)])
def test_a_cache_in_a_format_that_vllm_does_not_keep_is_remarked_upon(cache, kept):
    remark = checkpoint_of(ModelSpec(card="llama-3.1-70b", kv_dtype=cache)).remark
    assert remark.startswith("" if kept else "vLLM keeps no KV cache in int8: ")
    assert bool(remark) is not kept


@pytest.mark.parametrize(
    ("of_engine", "flag"),
    [
        ("bf16", None),
        ("fp16", None),
        ("float16", None),
        ("fp8", "fp8"),
        ("fp8_e5m2", "fp8_e5m2"),
        ("int8", None),
    ],
)
@pytest.mark.parametrize("of_model", ["auto", "fp8"])
def test_the_cache_of_the_engine_goes_before_and_only_what_vllm_knows_is_a_flag(of_engine, of_model, flag):
    overrides = [f"model.kv_dtype={of_model}", f"cluster.pools[0].engine.kv_cache_dtype={of_engine}"]
    scenario = load_scenario("azure-conv-h100", overrides)
    words = vllm_command(scenario, scenario.cluster.pools[0])
    found = words[words.index("--kv-cache-dtype") + 1] if "--kv-cache-dtype" in words else None
    assert found == flag
    assert bool(checkpoint_of(scenario.model, of_engine).remark) is (of_engine == "int8")


def test_each_pool_serves_its_own_model():
    scenario = load_scenario("several-models")
    names = {vllm_command(scenario, pool)[2] for pool in scenario.cluster.pools}
    assert len(names) == 2
