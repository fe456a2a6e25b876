"""Pipelines with bubbles, experts over many nodes, sequences shared by devices: what each costs and saves."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.errors import DoesNotFitError, InputError
from simulator.hardware.catalogue import load_device
from simulator.hardware.collectives import links_of
from simulator.latency import CompiledBackend
from simulator.latency.pricer import passage_of
from simulator.latency.roofline.expert_exchange import copies_sent
from simulator.latency.roofline.terms import crowding
from simulator.scenario.backend import DecodeOffloadBackendSpec
from simulator.scenario.cluster import ParallelismSpec
from simulator.scenario.engine import EngineSpec
from tests.latency.conftest import Compile, decode_ns, prompt_ns, steps

H100 = "nvidia-h100-sxm"


def test_fewer_batches_than_stages_leave_bubbles(compiled: Compile) -> None:
    full = compiled(H100, "llama-3.1-70b", tensor=2, pipeline=4)
    half = compiled(H100, "llama-3.1-70b", tensor=2, pipeline=4, micro_batches=2)
    alone = compiled(H100, "llama-3.1-70b", tensor=2, pipeline=4, micro_batches=1)
    # Compute-bound prompts: half the batches in flight, half the throughput.
    prompts = [prompt_ns(backend, 8192) for backend in (full, half, alone)]
    assert prompts[1] / prompts[0] == pytest.approx(2.0, rel=0.15)
    assert prompts[2] / prompts[0] == pytest.approx(4.0, rel=0.15)


@pytest.mark.parametrize("layout", [{"pipeline": 4}, {"pipeline": 4, "micro_batches": 2}, {"data": 4}])
def test_a_prompt_passes_all_stages_and_is_on_one_rank(compiled: Compile, layout: dict[str, int]) -> None:
    """Its step counts the others as busy; its first token comes when it is through."""
    single = prompt_ns(compiled(H100, "llama-3.1-8b"), 4096)
    backend = compiled(H100, "llama-3.1-8b", **layout)
    passage = passage_of(backend.pricer)
    assert passage is not None
    for sequences in (1, 2):
        tokens = 4096 * sequences
        ended = prompt_ns(backend, 4096, sequences)
        through = max(ended, passage(tokens, sequences, tokens, 4096 * tokens))
        assert through == pytest.approx(single, rel=0.05)
    assert passage(4 * 4096, 4, 4 * 4096, 4 * 4096**2) == 0


def test_one_batch_at_a_time_is_through_when_its_step_ends(compiled: Compile) -> None:
    alone = compiled(H100, "llama-3.1-8b", pipeline=4, micro_batches=1)
    assert passage_of(alone.pricer) is None


def test_more_batches_than_stages_are_refused() -> None:
    with pytest.raises(ValueError, match="at most pipeline = 2"):
        ParallelismSpec(pipeline=2, micro_batches=3)


def test_all_stages_wait_for_the_longest(compiled: Compile) -> None:
    even = compiled(H100, "llama-3.1-70b", tensor=2, pipeline=4)  # 80 layers: 20 each
    uneven = compiled(H100, "llama-3.1-70b", tensor=2, pipeline=3)  # 27, 27 and 26
    per_stage = [3 * prompt_ns(uneven, 9216), 4 * prompt_ns(even, 9216)]
    assert per_stage[0] / per_stage[1] == pytest.approx(27 * 3 / 80, rel=0.02)


def test_a_stage_that_fills_a_node_sends_over_the_network(compiled: Compile) -> None:
    links = links_of(load_device(H100))
    assert links.hop_s(4, 1e6) < links.hop_s(8, 1e6)
    inside = compiled(H100, "llama-3.1-405b", tensor=4, pipeline=4, weights="fp8")
    across = compiled(H100, "llama-3.1-405b", tensor=8, pipeline=2, weights="fp8")
    works = [backend.pricer._work for backend in (inside, across)]  # type: ignore[attr-defined]
    hops = [work._stage_hop_s(8192 * 16384 * 2) for work in works]
    assert hops[1] > 3 * hops[0]


def test_one_copy_per_node_sends_less_than_one_per_expert() -> None:
    per_node = copies_sent("deepep_high_throughput", active=8, devices=32, domain=8)
    per_expert = copies_sent("deepep_low_latency", active=8, devices=32, domain=8)
    assert per_expert.outer == pytest.approx(8 * 3 / 4)
    assert per_node.outer == pytest.approx(4 * (1 - 0.75**8) * 3 / 4)
    assert per_node.local > per_expert.local


def test_within_one_node_nothing_leaves_it() -> None:
    for kernels in ("deepep_high_throughput", "deepep_low_latency"):
        assert copies_sent(kernels, active=8, devices=8, domain=8).outer == 0.0  # type: ignore[arg-type]


def test_over_many_nodes_sending_tokens_to_their_experts_beats_sending_all_to_all(compiled: Compile) -> None:
    wide = {"data": 64, "expert": 64}
    engine = EngineSpec(max_num_seqs=4096, max_num_batched_tokens=65536)
    gathered = compiled(H100, "deepseek-v3", engine=engine, **wide)
    sent = compiled(
        H100,
        "deepseek-v3",
        engine=engine.model_copy(update={"all2all_backend": "deepep_low_latency"}),
        **wide,
    )
    assert decode_ns(sent, 4096, 1000) < 0.7 * decode_ns(gathered, 4096, 1000)


def test_half_batches_hide_the_exchange_where_it_is_worth_reading_weights_twice(compiled: Compile) -> None:
    engine = EngineSpec(
        max_num_seqs=8192, max_num_batched_tokens=262_144, all2all_backend="deepep_high_throughput"
    )
    plain = compiled(H100, "deepseek-v3", engine=engine, data=32, expert=32)
    overlapped = compiled(
        H100, "deepseek-v3", engine=engine.model_copy(update={"enable_dbo": True}), data=32, expert=32
    )
    assert prompt_ns(overlapped, 4096, 32) < 0.85 * prompt_ns(plain, 4096, 32)
    assert decode_ns(overlapped, 32, 1000) == decode_ns(plain, 32, 1000)


def test_devices_that_share_a_long_prompt_take_a_share_of_its_time(compiled: Compile) -> None:
    alone = compiled(H100, "llama-3.1-8b")
    four = compiled(H100, "llama-3.1-8b", context=4)
    gain = prompt_ns(alone, 131_072) / prompt_ns(four, 131_072)
    assert 3.0 < gain < 4.0


def test_devices_that_share_sequences_hold_more_cache_and_read_it_faster(compiled: Compile) -> None:
    alone = compiled(H100, "llama-3.1-8b")
    four = compiled(H100, "llama-3.1-8b", context=4)
    assert four.placement.devices == 4
    assert four.placement.kv_capacity_tokens == pytest.approx(
        4 * alone.placement.kv_capacity_tokens, rel=0.01
    )
    assert decode_ns(four, 4, 100_000) < 0.75 * decode_ns(alone, 4, 100_000)


def test_machines_that_do_not_share_sequences_say_so(compiled: Compile) -> None:
    with pytest.raises(InputError, match="context is 2"):
        compiled("groq-lpu-v1", "llama-3.1-8b", tensor=8, pipeline=8, context=2)


def test_imbalance_of_experts_slows_the_busiest_rank(compiled: Compile) -> None:
    from simulator.scenario.backend import AutoBackendSpec

    even = compiled(H100, "mixtral-8x7b", spec=AutoBackendSpec(moe_imbalance=1.0), data=4, expert=4)
    crowded = compiled(H100, "mixtral-8x7b", spec=AutoBackendSpec(moe_imbalance=1.5), data=4, expert=4)
    assert prompt_ns(crowded, 8192, 4) > 1.1 * prompt_ns(even, 8192, 4)


def test_the_fullest_rank_has_more_than_its_share() -> None:
    assert crowding(1, 8) == 8.0
    assert 1.0 < crowding(64, 8) < crowding(8, 8) < 8.0
    assert crowding(0, 8) == 1.0
    draws = np.random.default_rng(1).multinomial(8, np.full(8, 1 / 8), 4000).max(axis=1)
    assert crowding(8, 8) == pytest.approx(draws.mean(), rel=0.1)


def test_ranks_of_early_releases_compute_as_many_tokens_as_the_fullest(compiled: Compile) -> None:
    def prompts(version: str, sequences: int) -> int:
        engine = EngineSpec(engine_version=version, max_num_batched_tokens=65536)
        backend = compiled(
            "nvidia-b200-sxm", "qwen3-coder-480b-a35b", engine=engine, weights="fp8", data=8, expert=8
        )
        return prompt_ns(backend, 2048, sequences)

    padded, early = prompts("0.11.1", 1), prompts("0.11.1", 64)
    shared, late = prompts("0.12.0", 1), prompts("0.12.0", 64)
    assert padded > 2.5 * shared  # seven ranks compute what the eighth was asked
    assert early < 2.5 * late  # with many prompts all have about as many


def test_padding_to_the_fullest_rank_is_paid_in_energy(compiled: Compile) -> None:
    def joules(version: str) -> float:
        engine = EngineSpec(engine_version=version, max_num_batched_tokens=65536)
        backend = compiled(
            "nvidia-b200-sxm", "qwen3-coder-480b-a35b", engine=engine, weights="fp8", data=8, expert=8
        )
        time = prompt_ns(backend, 2048)
        return float(
            backend.pricer.costs(
                steps(
                    duration_ns=[time],
                    prefill_tokens=[2048],
                    prefill_sequences=[1],
                    prefill_context=[2048],
                    prefill_products=[2048 * 2048],
                )
            ).prefill_j[0]
        )

    assert joules("0.11.1") > 2.5 * joules("0.12.0")


def offloaded(compiled: Compile, devices: int = 8, micro_batches: int = 1) -> CompiledBackend:
    """DeepSeek-V3 on 16 H100 with as many more beside them for the feed-forward part."""
    spec = DecodeOffloadBackendSpec(
        partner=H100, devices=devices, bandwidth="400 GB/s", micro_batches=micro_batches
    )
    engine = EngineSpec(max_num_seqs=1024)
    return compiled(H100, "deepseek-v3", spec=spec, engine=engine, data=16, expert=16)


def test_gpus_can_take_the_feed_forward_part_of_gpus(compiled: Compile) -> None:
    few, many = offloaded(compiled, 16), offloaded(compiled, 64)
    assert decode_ns(many, 512, 2000) < 0.8 * decode_ns(few, 512, 2000)
    assert many.partners[0][1] == 64


def test_too_few_of_them_do_not_hold_its_weights(compiled: Compile) -> None:
    with pytest.raises(DoesNotFitError, match="the fewest that hold them are 9"):
        offloaded(compiled, 4)


def test_batches_that_take_turns_keep_both_sides_busy(compiled: Compile) -> None:
    one, two = offloaded(compiled, 16), offloaded(compiled, 16, micro_batches=2)
    assert decode_ns(two, 8192, 4000) < 0.9 * decode_ns(one, 8192, 4000)
    assert decode_ns(two, 1, 4000) == decode_ns(one, 1, 4000)
