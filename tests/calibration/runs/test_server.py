"""The server of a run: from catalogues, from what the run states, or refused with the reason."""

from __future__ import annotations

import pytest

from simulator.calibration.not_simulated import NotSimulated
from simulator.calibration.runs.measured import EngineUsed, HardwareUsed, ModelUsed
from simulator.calibration.runs.server import card_of, device_of, engine_of, roles_of

MIXTURE = {
    "kind": "moe",
    "layers": 4,
    "hidden": 512,
    "heads": 8,
    "kv_heads": 4,
    "head_dim": 64,
    "expert_ffn": 256,
    "experts": 16,
    "experts_active": 2,
    "vocab": 1000,
}
DEVICE = {
    "memory_bytes": 48e9,
    "memory_bandwidth_bytes_per_s": 768e9,
    "tdp_w": 300,
    "bf16_flops_per_s": 154.8e12,
}


def test_experts_may_stand_among_the_other_fields_of_an_architecture() -> None:
    card = card_of(ModelUsed(id="unheard-of", architecture=MIXTURE))
    assert card.moe is not None
    assert (card.moe.experts, card.moe.active_experts, card.moe.expert_ffn) == (16, 2, 256)


def test_experts_may_stand_apart_with_remarks() -> None:
    apart = {k: v for k, v in MIXTURE.items() if "expert" not in k}
    moe = {"experts": 16, "active_experts": 2, "expert_ffn": 256, "rule": "a remark"}
    assert card_of(ModelUsed(id="unheard-of", architecture=apart | {"moe": moe})).moe is not None


def test_a_model_without_card_or_architecture_is_refused() -> None:
    with pytest.raises(NotSimulated, match="unheard-of"):
        card_of(ModelUsed(id="unheard-of"))


def test_a_device_of_a_few_stated_values_will_do() -> None:
    device = device_of(HardwareUsed(device="made-up", not_in_hardware_yaml=DEVICE))
    assert device.main_memory.bandwidth == 768e9
    assert device.tdp_w == 300


def test_a_device_of_which_too_little_is_stated_is_refused() -> None:
    with pytest.raises(NotSimulated, match="memory_bytes"):
        device_of(HardwareUsed(device="made-up", not_in_hardware_yaml={"tdp_w": 300}))


def test_settings_that_the_simulator_does_not_have_are_named() -> None:
    with pytest.raises(NotSimulated, match="warp_drive"):
        engine_of(EngineUsed(name="vllm", settings={"warp_drive": True}), None)


def test_usable_blocks_leave_the_null_block_out() -> None:
    assert engine_of(EngineUsed(name="vllm", usable_kv_blocks=99), None).num_gpu_blocks == 100


def test_roles_tell_how_many_replicas_prefill_and_decode() -> None:
    assert roles_of({"prefill": 1, "decode": {"replicas": 3}}) == {"prefill": 1, "decode": 3}
    with pytest.raises(NotSimulated, match="how many decode"):
        roles_of({"prefill": 1})
