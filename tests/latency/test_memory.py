"""Weights and cache lie on the devices, or the model is refused with the arithmetic."""

from __future__ import annotations

import pytest

from simulator.errors import DoesNotFitError, InputError
from simulator.scenario.backend import AutoBackendSpec
from simulator.scenario.engine import EngineSpec


def test_a_70b_model_in_16_bits_is_refused_on_one_h100_with_the_arithmetic(compiled):
    with pytest.raises(DoesNotFitError) as refusal:
        compiled("nvidia-h100-sxm", "llama-3.1-70b")
    text = str(refusal.value)
    for part in ("weights 141.1", "usable memory 77.31 GB", "327.68 kB per token", "{tensor: 2}", "short"):
        assert part in text


def test_a_70b_model_on_one_lpu_names_the_chips_it_needs(compiled):
    with pytest.raises(DoesNotFitError, match=r"\{tensor: 8, pipeline: \d+\}: \d{3} devices"):
        compiled("groq-lpu-v1", "llama-3.1-70b", weights="int8")


@pytest.mark.parametrize(
    ("device", "model", "weights"),
    [("nvidia-h100-sxm", "llama-3.1-70b", "auto"), ("cerebras-wse3", "llama-3.1-405b", "bf16")],
)
def test_the_proposed_layout_fits(compiled, device, model, weights):
    import re

    with pytest.raises(DoesNotFitError) as refusal:
        compiled(device, model, weights=weights)
    found = re.search(r"\{tensor: (\d+)(?:, pipeline: (\d+))?\}", str(refusal.value).split("smallest")[1])
    assert found is not None
    tensor, pipeline = int(found[1]), int(found[2] or 1)
    assert (
        compiled(device, model, weights=weights, tensor=tensor, pipeline=pipeline).placement.num_blocks >= 2
    )


@pytest.mark.parametrize("split", [{"data": 16}, {"context": 2}, {"data": 2, "context": 4}])
def test_the_room_of_the_proposed_layout_is_its_own_not_that_of_copies_it_does_not_have(compiled, split):
    import re

    with pytest.raises(DoesNotFitError) as refusal:
        compiled("nvidia-h200-sxm", "llama-3.1-70b", **split)
    text = str(refusal.value)
    for size, count in split.items():
        assert f"{size}: {count}" in text.split("per device")[0]
    found = re.search(r"\{tensor: 2\}: 2 devices .* room for ([\d,]+) tokens", text)
    assert found is not None
    placed = compiled("nvidia-h200-sxm", "llama-3.1-70b", tensor=2).placement
    assert int(found[1].replace(",", "")) // placed.block_size == placed.num_blocks


def test_so_it_is_with_experts_that_were_spread(compiled):
    with pytest.raises(DoesNotFitError) as refusal:
        compiled("nvidia-h100-sxm", "mixtral-8x22b", data=2, expert=2)
    alone = str(refusal.value).split("smallest")[1]
    with pytest.raises(DoesNotFitError) as refusal:
        compiled("nvidia-h100-sxm", "mixtral-8x22b")
    assert alone == str(refusal.value).split("smallest")[1]


def test_bytes_add_up_to_the_usable_memory(compiled):
    placed = compiled("nvidia-h100-sxm", "llama-3.1-8b").placement
    usable = 0.9 * 80 * 2**30
    assert placed.weight_bytes_per_device + placed.kv_budget_bytes_per_device + 3e9 == pytest.approx(usable)
    assert placed.num_blocks == placed.kv_budget_bytes_per_device // (16 * 131_072)


def test_an_8_bit_cache_holds_twice_the_tokens(compiled):
    wide = compiled("nvidia-h100-sxm", "llama-3.1-8b").placement
    narrow = compiled("nvidia-h100-sxm", "llama-3.1-8b", cache="fp8").placement
    assert narrow.kv_capacity_tokens == pytest.approx(2 * wide.kv_capacity_tokens, rel=1e-3)


def test_windowed_layers_keep_a_window_per_seat(compiled):
    placed = compiled("nvidia-h200-sxm", "gpt-oss-120b", engine=EngineSpec(max_num_seqs=64)).placement
    if_all_were_kept = placed.kv_budget_bytes_per_device / placed.kv_bytes_per_token_device
    assert 1.9 * if_all_were_kept < placed.kv_capacity_tokens < 2.0 * if_all_were_kept


def test_the_user_s_number_of_blocks_goes_before_the_memory_s(compiled):
    placed = compiled("nvidia-h100-sxm", "llama-3.1-8b", engine=EngineSpec(num_gpu_blocks=1000)).placement
    assert placed.num_blocks == 1000
    assert placed.kv_capacity_tokens == 16_000


def test_an_override_that_cannot_act_is_refused(compiled):
    with pytest.raises(InputError, match="only act on roofline machines"):
        compiled("cerebras-wse3", "llama-3.1-8b", spec=AutoBackendSpec(sampler="sort"))


def test_devices_without_a_known_link_cannot_share_a_model(compiled):
    with pytest.raises(InputError, match="no published link bandwidth"):
        compiled("apple-m4-max", "llama-3.1-8b", tensor=2)
