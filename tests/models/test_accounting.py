"""Parameters, weight bytes and KV cache follow from the shape alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import InputError
from simulator.models import (
    count_parameters,
    device_weight_bytes,
    experts_touched,
    kv_bytes,
    kv_bytes_per_token,
    load_model,
    matrix_bytes_per_weight,
    model_gemms,
    model_names,
    read_bytes_per_step,
    weight_bytes,
)

INCOMPLETE = {"deepseek-v4-flash", "deepseek-v4-pro", "kimi-k3"}
USABLE = [name for name in model_names() if name not in INCOMPLETE]
PUBLISHED = [name for name in USABLE if load_model(name).params_total_published]


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_agree_with_the_published_total(name: str) -> None:
    card = load_model(name)
    assert count_parameters(card).total == pytest.approx(card.params_total_published, rel=0.015)


def test_nearly_every_card_has_a_published_total() -> None:
    assert set(USABLE) - set(PUBLISHED) == {"glm-5", "minimax-m2.5"}


@pytest.mark.parametrize("name", sorted(INCOMPLETE))
def test_an_incomplete_card_is_refused_and_says_what_is_missing(name: str) -> None:
    with pytest.raises(InputError, match="incomplete"):
        count_parameters(load_model(name))


def test_counts_agree_with_an_independent_count(shared: Path) -> None:
    facts = yaml.safe_load((shared / "facts" / "models.yaml").read_text())["models"]
    counted = {id_: fact for id_, fact in facts.items() if "params_total_computed" in fact}
    assert len(counted) > 40
    for id_, fact in counted.items():
        parameters = count_parameters(load_model(id_))
        assert parameters.total == pytest.approx(fact["params_total_computed"], rel=1e-4), id_
        assert parameters.active == pytest.approx(fact["params_active_computed"], rel=1e-4), id_
        assert parameters.read_per_token == pytest.approx(fact["weight_params_read_per_token"], rel=1e-3), id_
        assert kv_bytes_per_token(load_model(id_), "fp8") == fact["kv_values_per_token"], id_


def test_llama_70b_keeps_320_kib_per_token() -> None:
    assert kv_bytes_per_token(load_model("llama-3.1-70b")) == 2 * 80 * 8 * 128 * 2


def test_latent_attention_keeps_576_values_a_layer_on_every_device() -> None:
    card = load_model("deepseek-v3")
    assert kv_bytes(card, "bf16").per_token == 61 * 576 * 2
    assert kv_bytes(card, "bf16", tensor=8).per_token == 61 * 576 * 2


def test_windowed_layers_of_gpt_oss_keep_at_most_their_window() -> None:
    kv = kv_bytes(load_model("gpt-oss-120b"))
    per_layer = 2 * 8 * 64 * 2
    assert kv.full == 18 * per_layer
    assert kv.windowed == ((128, 18 * per_layer),)
    assert kv.sequence(100) == 36 * per_layer * 100
    assert kv.sequence(10_000) == 18 * per_layer * (10_000 + 128)


def test_kv_heads_are_repeated_where_devices_outnumber_them() -> None:
    card = load_model("llama-3.1-8b")
    whole = kv_bytes_per_token(card)
    assert kv_bytes(card, tensor=8).per_token == whole / 8
    assert kv_bytes(card, tensor=16).per_token == whole / 8


def test_linear_layers_keep_a_state_that_does_not_grow() -> None:
    kv = kv_bytes(load_model("qwen3.5-27b"))
    assert kv.state > 0
    assert kv.full == 16 * 2 * 4 * 256 * 2


def test_sixteen_bit_weights_take_two_bytes_each() -> None:
    card = load_model("llama-3.1-8b")
    assert weight_bytes(card) == 2 * count_parameters(card).total


def test_deepseek_in_fp8_keeps_its_tables_in_sixteen_bits() -> None:
    card = load_model("deepseek-v3")
    tables = 2 * card.vocab * card.hidden
    assert weight_bytes(card) == pytest.approx(count_parameters(card).total + tables, rel=1e-3)


def test_gpt_oss_quantises_only_its_experts() -> None:
    card = load_model("gpt-oss-120b")
    assert matrix_bytes_per_weight(card, "auto", "expert_down") == 17 / 32
    assert matrix_bytes_per_weight(card, "auto", "qkv") == 2
    assert 60e9 < weight_bytes(card) < 67e9  # the published checkpoint is 65 GB


@pytest.mark.parametrize("name", ["llama-3.1-70b", "mixtral-8x7b", "gpt-oss-120b"])
def test_devices_of_a_group_hold_the_model_once(name: str) -> None:
    card = load_model(name)
    shared = device_weight_bytes(card, "bf16", tensor=4) * 4
    assert shared == pytest.approx(weight_bytes(card, "bf16"), rel=0.01)


def test_expert_parallelism_and_cutting_experts_cost_the_same_memory() -> None:
    card = load_model("mixtral-8x7b")
    assert device_weight_bytes(card, tensor=8, expert=8) == device_weight_bytes(card, tensor=8)


def test_pipeline_stages_hold_a_share_of_the_layers() -> None:
    card = load_model("llama-3.1-70b")
    assert device_weight_bytes(card, pipeline=4) == pytest.approx(weight_bytes(card) / 4, rel=0.05)


@given(experts=st.integers(1, 512), active=st.integers(1, 16), tokens=st.integers(0, 10_000))
def test_experts_touched_lie_between_one_token_and_all(experts: int, active: int, tokens: int) -> None:
    active = min(active, experts)
    touched = experts_touched(experts, active, tokens)
    assert touched <= experts + 1e-9
    assert touched <= active * tokens + 1e-6
    assert touched <= experts_touched(experts, active, tokens + 1)


def test_one_token_touches_its_own_experts() -> None:
    assert experts_touched(256, 8, 1) == pytest.approx(8)
    assert experts_touched(8, 2, 10_000) == pytest.approx(8)


def test_a_step_of_one_token_reads_the_active_parameters() -> None:
    card = load_model("deepseek-v3")
    read = read_bytes_per_step(card, model_gemms(card), "bf16", tokens=1)
    assert read == pytest.approx(2 * count_parameters(card).read_per_token, rel=1e-3)
