"""Matrix products per device: what is cut how."""

from __future__ import annotations

import pytest

from simulator.errors import InputError
from simulator.models import count_parameters, load_model, model_gemms
from simulator.models.gemms import Gemm, ModelGemms, Role


def _by_role(gemms: ModelGemms) -> dict[Role, Gemm]:
    return {gemm.role: gemm for gemm in gemms.dense}


def test_llama_70b_over_four_devices() -> None:
    gemms = model_gemms(load_model("llama-3.1-70b"), tensor=4)
    assert _by_role(gemms) == {
        "qkv": Gemm("qkv", (64 + 2 * 8) * 128 // 4, 8192, 80),
        "o": Gemm("o", 8192, 64 * 128 // 4, 80),
        "gate_up": Gemm("gate_up", 2 * 28672 // 4, 8192, 80),
        "down": Gemm("down", 8192, 28672 // 4, 80),
    }
    assert gemms.lm_head == Gemm("lm_head", 128256 // 4, 8192, 1)
    assert gemms.experts is None


def test_latent_projections_are_on_every_device() -> None:
    card = load_model("deepseek-v3")
    one, eight = _by_role(model_gemms(card)), _by_role(model_gemms(card, tensor=8))
    assert one["latent_a"] == eight["latent_a"] == Gemm("latent_a", 1536 + 512 + 64, 7168, 61)
    assert eight["q_b"].n * 8 == one["q_b"].n == 128 * 192
    assert eight["o"].k * 8 == one["o"].k == 128 * 128


def test_deepseek_has_three_dense_layers_and_a_shared_expert() -> None:
    gemms = _by_role(model_gemms(load_model("deepseek-v3")))
    assert gemms["gate_up"].layers == 3
    assert gemms["shared_gate_up"] == Gemm("shared_gate_up", 2 * 2048, 7168, 58)
    assert gemms["router"] == Gemm("router", 256, 7168, 58)


def test_experts_are_spread_or_cut() -> None:
    card = load_model("mixtral-8x7b")
    cut, spread = model_gemms(card, tensor=4).experts, model_gemms(card, tensor=4, expert=4).experts
    assert cut is not None
    assert spread is not None
    assert (cut.local_experts, cut.down.k) == (8, 14336 // 4)
    assert (spread.local_experts, spread.down.k) == (2, 14336)
    assert cut.weights == spread.weights


def test_experts_of_data_parallel_ranks_lie_on_all_their_devices() -> None:
    experts = model_gemms(load_model("deepseek-v3"), tensor=1, data=8, expert=8).experts
    assert experts is not None
    assert (experts.local_experts, experts.gate_up.n) == (32, 2 * 2048)


@pytest.mark.parametrize("name", ["llama-3.1-8b", "qwen3-32b", "mixtral-8x22b", "deepseek-v3", "gemma-3-27b"])
def test_matrices_make_up_nearly_all_parameters(name: str) -> None:
    card = load_model(name)
    gemms = model_gemms(card)
    matrices = sum(gemm.weights for gemm in gemms.dense) + gemms.lm_head.weights
    matrices += gemms.experts.weights if gemms.experts else 0
    counted = count_parameters(card)
    assert matrices == pytest.approx(counted.total - counted.embedding, rel=2e-3)


def test_heads_that_cannot_be_shared_are_refused_with_what_can() -> None:
    with pytest.raises(InputError, match="possible tensor-parallel degrees: 1, 2, 4, 8, 16, 32, 64"):
        model_gemms(load_model("llama-3.1-70b"), tensor=3)


def test_experts_that_cannot_be_spread_are_refused() -> None:
    with pytest.raises(InputError, match="cannot be spread 3 ways"):
        model_gemms(load_model("mixtral-8x7b"), tensor=4, expert=3)
