"""Physics and measured spot values of machines that stream weights and cache from memory."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.hardware.catalogue import load_device
from simulator.latency.roofline.terms import graph_tokens, longest_share, p_norm
from simulator.models.accounting import count_parameters, kv_bytes, weight_bytes
from simulator.models.catalogue import load_model
from simulator.scenario.backend import AutoBackendSpec, RooflineBackendSpec
from simulator.scenario.engine import EngineSpec
from simulator.scenario.engine_versions import version_defaults
from tests.latency.conftest import decode_ns, prompt_ns

H100 = "nvidia-h100-sxm"
GREEDY = AutoBackendSpec(sampler="greedy")


def test_h100_decodes_llama_8b_within_what_serving_runs_show(compiled):
    """vLLM 0.15.1 on one H100 decodes this model in 6 to 8 ms with few sequences."""
    backend = compiled(H100, "llama-3.1-8b")
    assert 5.5e6 < decode_ns(backend, 1, 500) < 7.0e6
    assert 7.0e6 < decode_ns(backend, 32, 700) < 9.5e6


@pytest.mark.parametrize(
    "device", [H100, "nvidia-a100-80g-sxm", "nvidia-b200-sxm", "amd-mi300x", "nvidia-l40s"]
)
@pytest.mark.parametrize("model", ["llama-3.1-8b", "qwen3-8b"])
@settings(max_examples=25, deadline=None)
@given(sequences=st.integers(1, 256), context=st.integers(1, 4000))
def test_no_decode_step_beats_bandwidth_or_flops(compiled, device, model, sequences, context):
    card, machine = load_model(model), load_device(device)
    active = count_parameters(card).read_per_token
    total = sequences * context
    memory_s = (2 * active + total * kv_bytes(card).full) / machine.main_memory.bandwidth
    compute_s = 2 * active * sequences / machine.peak_flops["bf16"]
    seconds = decode_ns(compiled(device, model), sequences, context) / 1e9
    assert seconds > max(memory_s, compute_s)


@settings(max_examples=25, deadline=None)
@given(tokens=st.integers(1, 8192))
def test_no_prompt_beats_the_peak_rate(compiled, tokens):
    card = load_model("llama-3.1-8b")
    in_layers = count_parameters(card).read_per_token - card.vocab * card.hidden
    flops = 2 * in_layers * tokens + 4 * card.layers * card.heads * 128 * tokens * tokens / 2
    assert prompt_ns(compiled(H100, "llama-3.1-8b"), tokens) / 1e9 > flops / 989e12


@settings(max_examples=60, deadline=None)
@given(
    sequences=st.integers(1, 300),
    context=st.integers(1, 3000),
    more=st.integers(1, 500),
    tokens=st.integers(1, 4096),
)
def test_more_work_never_takes_less_time(compiled, sequences, context, more, tokens):
    backend = compiled(H100, "llama-3.1-8b")
    total, longer = sequences * context, sequences * context + more
    price = backend.pricer.step_ns
    assert (
        price(0, 0, 0, 0, sequences, sequences, longer) >= price(0, 0, 0, 0, sequences, sequences, total) - 1
    )
    mixed = price(tokens, 1, tokens, tokens * tokens, sequences, sequences, total)
    assert mixed >= price(0, 0, 0, 0, sequences, sequences, total)
    assert price(tokens, 1, tokens + more, tokens * (tokens + more), sequences, sequences, total) >= mixed


@pytest.mark.parametrize(("weights", "model"), [("fp8", "llama-3.1-8b"), ("int4", "llama-3.1-8b")])
def test_narrow_weights_speed_up_a_small_batch(compiled, weights, model):
    assert decode_ns(compiled(H100, model, weights=weights), 1, 500) < decode_ns(
        compiled(H100, model), 1, 500
    )


def test_a_narrow_cache_speeds_up_long_contexts(compiled):
    wide, narrow = compiled(H100, "llama-3.1-8b"), compiled(H100, "llama-3.1-8b", cache="fp8")
    assert decode_ns(narrow, 64, 6000) < 0.8 * decode_ns(wide, 64, 6000)


def test_tensor_parallelism_shortens_a_step_by_less_than_the_devices(compiled):
    one, two = compiled(H100, "qwen3-32b"), compiled(H100, "qwen3-32b", tensor=2)
    ratio = decode_ns(one, 32, 1000) / decode_ns(two, 32, 1000)
    assert 1.3 < ratio < 2.0


def test_pipeline_stages_do_not_shorten_a_token_but_share_a_batch(compiled):
    one, two = compiled(H100, "qwen3-32b"), compiled(H100, "qwen3-32b", pipeline=2)
    assert decode_ns(two, 1, 500) >= decode_ns(one, 1, 500)
    assert decode_ns(two, 256, 500) < decode_ns(one, 256, 500)


def test_windowed_layers_read_at_most_their_window(compiled):
    """Half of gpt-oss sees 128 tokens: its context costs half of what the cache size says."""
    backend = compiled("nvidia-h200-sxm", "gpt-oss-120b", spec=GREEDY)
    full_layers = kv_bytes(load_model("gpt-oss-120b")).full
    grown_s = (decode_ns(backend, 64, 16_000) - decode_ns(backend, 64, 8_000)) / 1e9
    floor_s = 64 * 8_000 * full_layers / 4.8e12
    assert floor_s < grown_s < 1.35 * floor_s


def test_experts_are_read_as_tokens_reach_them(compiled):
    """One token reads 2 of 8 experts, a batch all of them."""
    backend = compiled(H100, "mixtral-8x7b", spec=GREEDY, tensor=2)
    dense = compiled(H100, "llama-3.1-8b", spec=GREEDY, tensor=2)
    growth = decode_ns(backend, 16, 500) / decode_ns(backend, 1, 500)
    assert growth > 2.0 > 1.3 > decode_ns(dense, 16, 500) / decode_ns(dense, 1, 500)
    assert decode_ns(backend, 16, 500) / 1e9 > weight_bytes(load_model("mixtral-8x7b")) * 0.9 / 2 / 3.35e12


def test_whole_sequences_to_a_cluster_wait_for_the_longest_of_them() -> None:
    assert longest_share(1, 74) == pytest.approx(1.0)  # one sequence, cut into as many parts
    assert longest_share(74, 74) == pytest.approx(2 * 74 / 75)  # the longest has twice the mean, but one
    assert longest_share(64, 74) > longest_share(74, 74)  # ten clusters get nothing
    assert longest_share(300, 74) == 1.0  # several for each


def test_latent_attention_of_early_releases_on_blackwell_waits_for_the_longest_context(compiled):
    early = EngineSpec(engine_version="0.11.1", async_scheduling=True)
    late = EngineSpec(engine_version="0.12.0", async_scheduling=True)

    def per_token(engine: EngineSpec, device: str, sequences: int) -> float:
        backend = compiled(device, "deepseek-v3", engine=engine, weights="fp8", tensor=8, expert=8)
        longer, shorter = (decode_ns(backend, sequences, context) for context in (8000, 4000))
        return (longer - shorter) / (4000 * sequences)

    few, many = (
        per_token(early, "nvidia-b200-sxm", n) / per_token(late, "nvidia-b200-sxm", n) for n in (64, 448)
    )
    assert few / many == pytest.approx(longest_share(64, 74), rel=0.1)
    hopper = [per_token(engine, "nvidia-h200-sxm", 64) for engine in (early, late)]
    assert hopper[0] == pytest.approx(hopper[1], rel=0.01)


def test_sorting_the_vocabulary_costs_what_serving_runs_show(compiled):
    """350 us and 0.145 ns for each sequence and entry: 60 sequences of Qwen3-14B (151,936) on an H100."""
    sort = compiled(H100, "qwen3-14b", spec=AutoBackendSpec(sampler="sort"))
    greedy = compiled(H100, "qwen3-14b", spec=GREEDY)
    assert (decode_ns(sort, 60, 600) - decode_ns(greedy, 60, 600)) / 1e6 == pytest.approx(1.67, rel=0.02)


def test_the_sampler_follows_the_engine_version():
    assert [version_defaults(v).sampler for v in ("0.15.1", "v0.16.0", "0.32.0", "nightly")] == [
        "sort",
        "triton",
        "flashinfer",
        "flashinfer",
    ]


def test_host_time_is_added_when_scheduling_is_synchronous_and_hidden_when_not(compiled):
    hidden = compiled(H100, "llama-3.1-8b")
    added = compiled(H100, "llama-3.1-8b", engine=EngineSpec(async_scheduling=False))
    extra_ms = (decode_ns(added, 64, 1000) - decode_ns(hidden, 64, 1000)) / 1e6
    assert extra_ms == pytest.approx(0.65 + 64 * 0.0275, rel=0.01)


def test_eager_execution_is_bound_by_launches_in_small_steps(compiled):
    eager = compiled(H100, "llama-3.1-8b", engine=EngineSpec(enforce_eager=True), weights="fp8")
    graphs = compiled(H100, "llama-3.1-8b", weights="fp8")
    assert decode_ns(graphs, 1, 100) < decode_ns(eager, 1, 100)


@settings(max_examples=200)
@given(tokens=st.integers(1, 2000), largest=st.sampled_from([0, 16, 512]))
def test_graph_padding_never_shrinks_and_never_more_than_a_graph_step(tokens, largest):
    padded = graph_tokens(tokens, largest)
    assert tokens <= padded < tokens + 16
    assert padded == tokens or padded <= largest


def test_a_soft_maximum_lies_between_the_larger_and_the_sum():
    assert p_norm(3.0, 4.0, 1.0) == pytest.approx(7.0)
    assert p_norm(3.0, 4.0, 2.0) == pytest.approx(5.0)
    assert p_norm(3.0, 4.0, 33.0) == pytest.approx(4.0, rel=1e-4)
    assert p_norm(0.0, 0.0, 2.0) == 0.0


def test_decodes_slow_down_beside_prefill_where_attention_is_flashattention_2(compiled):
    def mixed(attention: str) -> int:
        pricer = compiled(H100, "llama-3.1-8b", spec=AutoBackendSpec(attention_backend=attention)).pricer
        return pricer.step_ns(512, 1, 512, 512 * 512, 64, 64, 64 * 2000)

    assert mixed("fa2") > 1.1 * mixed("fa3")


def test_a_result_says_what_its_constants_rest_on(compiled):
    measured = compiled(H100, "llama-3.1-8b").provenance
    assert "matrix products 7%" in measured.error
    assert "gemm" not in measured.estimated
    carried = compiled("nvidia-h200-sxm", "llama-3.1-8b").provenance
    assert "never compared" in carried.error
    assert "gemm" in carried.estimated


def test_asking_for_a_roofline_keeps_the_profile_s_constants(compiled):
    asked = compiled(H100, "llama-3.1-8b", spec=RooflineBackendSpec())
    assert decode_ns(asked, 32, 700) == decode_ns(compiled(H100, "llama-3.1-8b"), 32, 700)


def test_a_roofline_of_a_machine_with_resident_weights_can_be_asked_for(compiled):
    asked = compiled("cerebras-wse3", "llama-3.1-8b", spec=RooflineBackendSpec())
    assert asked.provenance.backend == "roofline"
    assert "gemm" in asked.provenance.estimated


@pytest.mark.parametrize(
    ("model", "layout"),
    [("llama-3.1-8b", {}), ("llama-3.1-70b", {"tensor": 4}), ("gpt-oss-120b", {"tensor": 2})],
)
def test_between_the_ends_of_a_tile_the_body_is_all_but_straight(compiled, model, layout):
    pricer = compiled("nvidia-h100-sxm", model, **layout).pricer
    for tokens in (577, 600, 640, 1000, 1500, 2047, 5000, 8191):
        drawn = pricer._price_body(tokens)
        assert drawn == pytest.approx(1e9 * pricer._work.body_s(tokens), rel=5e-4)
