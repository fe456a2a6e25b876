"""Machines known by whole requests only, tiers of memory, in-memory compute, LPUs beside GPUs."""

from __future__ import annotations

import pytest

from simulator.errors import DoesNotFitError, InputError
from simulator.hardware.catalogue import load_device
from simulator.latency import compile_backend
from simulator.models.catalogue import load_model
from simulator.scenario.backend import AutoBackendSpec, DecodeOffloadBackendSpec
from simulator.scenario.cluster import ParallelismSpec
from simulator.scenario.engine import EngineSpec
from tests.latency.conftest import decode_ns, prompt_ns


def test_a_batch_shares_the_reading_of_weights_but_not_of_cache(compiled):
    backend = compiled("intel-gaudi2", "llama-3-8b", weights="bf16")
    alone, sixteen = decode_ns(backend, 1, 200), decode_ns(backend, 16, 200)
    assert alone < sixteen < 2 * alone
    assert decode_ns(backend, 16, 4000) > 1.2 * sixteen


def test_a_batch_visits_more_experts_than_one_sequence_does(compiled):
    backend = compiled("intel-gaudi2", "mixtral-8x7b", weights="bf16", tensor=2)
    assert decode_ns(backend, 16, 100) > 2 * decode_ns(backend, 1, 100)


def test_prompts_cost_what_their_products_cost(compiled):
    backend = compiled("intel-gaudi2", "llama-3-8b", weights="bf16")
    assert prompt_ns(backend, 4000) / prompt_ns(backend, 2000) == pytest.approx(2.0, rel=0.1)


@pytest.fixture
def offload():
    """gpt-oss-120b on four Rubins with some LPUs beside them."""

    def build(lpus: int, partner: str = "nvidia-groq3-lpu"):
        return compile_backend(
            DecodeOffloadBackendSpec(partner=partner, devices=lpus, bandwidth="200 GB/s"),
            load_model("gpt-oss-120b"),
            load_device("nvidia-rubin-nvl72"),
            ParallelismSpec(tensor=4),
            EngineSpec(),
            weight_dtype="mxfp4",
        )

    return build


def test_more_lpus_beside_the_gpus_make_decodes_faster(offload):
    assert decode_ns(offload(1024), 64, 1000) < decode_ns(offload(256), 64, 1000)


def test_prompts_do_not_go_through_the_lpus(offload):
    assert prompt_ns(offload(1024), 4000) == prompt_ns(offload(256), 4000)


def test_lpus_too_few_for_the_experts_are_refused_with_the_number_that_works(offload):
    arithmetic = r"60\.9 GB.*100 x NVIDIA Groq 3.*fewest that hold them are 129"
    with pytest.raises(DoesNotFitError, match=arithmetic):
        offload(100)


def test_only_lpus_and_gpus_can_be_partners(offload):
    with pytest.raises(InputError, match="neither keeps weights in SRAM nor streams them"):
        offload(8, partner="cerebras-wse3")


def test_in_memory_compute_meets_its_claims(compiled):
    small = compiled("dmatrix-corsair", "llama-3-8b", weights="int8", tensor=8)
    large = compiled("dmatrix-corsair", "llama-3-70b", weights="int8", tensor=8, pipeline=8)
    assert decode_ns(small, 56, 200) / 1e6 == pytest.approx(1.0, rel=0.05)
    assert decode_ns(large, 56, 200) / 1e6 == pytest.approx(2.0, rel=0.30)


def test_a_model_too_large_for_the_arrays_is_refused_or_runs_from_the_cards_memory(compiled):
    with pytest.raises(DoesNotFitError, match="smallest parallelism that fits"):
        compiled("dmatrix-corsair", "llama-3-70b", weights="int8", tensor=8)
    capacity = compiled(
        "dmatrix-corsair",
        "llama-3-70b",
        weights="int8",
        tensor=8,
        spec=AutoBackendSpec(software="capacity-mode"),
    )
    assert decode_ns(capacity, 1, 200) > 70e9 / (8 * 400e9) * 1e9


def test_weights_that_fit_the_fast_tier_are_streamed_from_it_alone(compiled):
    backend = compiled("sambanova-sn40l", "llama-3-70b", weights="bf16", tensor=8)
    bound_ns = 141e9 / (8 * 1.6e12) * 1e9
    assert bound_ns < decode_ns(backend, 1, 200) < 1.5 * bound_ns


def test_weights_beyond_the_fast_tier_spill_to_the_slow_one_and_slow_every_step(compiled):
    fits = compiled("sambanova-sn40l", "llama-3.1-405b", weights="fp8", tensor=16)
    spills = compiled("sambanova-sn40l", "llama-3.1-405b", weights="fp8", tensor=8)
    assert spills.placement.weight_bytes_per_device < 0.75 * 0.9 * 64e9
    assert decode_ns(spills, 1, 200) > 4 * decode_ns(fits, 1, 200)


def test_other_software_has_constants_of_its_own(compiled):
    now = compiled("amd-mi300x", "llama-3-8b", weights="bf16")
    then = compiled("amd-mi300x", "llama-3-8b", weights="bf16", spec=AutoBackendSpec(software="alcf-2024"))
    assert decode_ns(then, 1, 500) > 1.5 * decode_ns(now, 1, 500)


def test_unknown_software_is_refused_with_what_is_known(compiled):
    with pytest.raises(InputError, match=r"no constants for software 'alcf-2023' \(did you mean 'alcf-2024'"):
        compiled("amd-mi300x", "llama-3-8b", spec=AutoBackendSpec(software="alcf-2023"))


def test_devices_without_a_link_are_not_proposed_in_numbers(compiled):
    with pytest.raises(
        DoesNotFitError, match="one such device is all there can be, for no link to others is known"
    ):
        compiled("apple-m4-max", "llama-3.1-405b", weights="bf16")
