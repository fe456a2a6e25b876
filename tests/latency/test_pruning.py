"""2:4 pruned weights: fewer bytes everywhere, more products only where the hardware skips them."""

from __future__ import annotations

import pytest

from simulator.errors import InputError
from simulator.hardware.catalogue import load_device
from simulator.latency.compile import compile_backend
from simulator.latency.machine import machine_of
from simulator.models.catalogue import load_model
from simulator.models.precision import bytes_per_value, canonical_dtype, dense_format
from simulator.scenario.backend import AutoBackendSpec


def backend(weight_dtype, device="nvidia-h100-sxm"):
    return compile_backend(
        AutoBackendSpec(), load_model("llama-3.1-8b"), load_device(device), weight_dtype=weight_dtype
    )


def test_two_of_four_values_and_their_places_are_stored():
    assert bytes_per_value("bf16-2:4") == 2 / 2 + 1 / 8
    assert bytes_per_value("fp8-2:4") == 1 / 2 + 1 / 8
    assert canonical_dtype("bfloat16-2:4") == "bf16-2:4"
    assert dense_format("bf16-2:4") == "bf16"


def test_a_pruned_model_leaves_more_room_and_decodes_faster():
    dense, pruned = backend("bf16"), backend("bf16-2:4")
    assert pruned.placement.num_blocks > dense.placement.num_blocks
    decode = (0, 0, 0, 0, 1, 1, 500)
    assert 1.3 < dense.pricer.step_ns(*decode) / pruned.pricer.step_ns(*decode) < 1 / 0.5625


def test_products_gain_what_was_measured_and_not_what_was_advertised():
    prompt = (8192, 1, 8192, 8192 * 8192, 0, 0, 0)
    gain = backend("fp8").pricer.step_ns(*prompt) / backend("fp8-2:4").pricer.step_ns(*prompt)
    assert 1.05 < gain < 1.23


@pytest.mark.parametrize("device", ["google-tpu-v6e", "intel-gaudi3", "nvidia-groq3-lpu", "amd-mi250x"])
def test_other_hardware_refuses_pruned_weights(device):
    assert not machine_of(load_device(device)).sparse
    with pytest.raises(InputError, match="no multipliers for 2:4"):
        machine_of(load_device(device)).product_flops("fp8-2:4")


def test_ampere_and_later_have_the_multipliers():
    names = ("nvidia-a100-80g-sxm", "nvidia-h100-sxm", "nvidia-b200-sxm", "amd-mi300x")
    assert all(machine_of(load_device(name)).sparse for name in names)
