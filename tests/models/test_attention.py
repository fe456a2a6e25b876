"""Attention layers in groups of equal layers."""

from __future__ import annotations

import pytest

from simulator.models import attention_groups, load_model


def test_gpt_oss_alternates_full_and_windowed_layers() -> None:
    full, sliding = attention_groups(load_model("gpt-oss-120b"))
    assert (full.layers, full.window) == (18, None)
    assert (sliding.layers, sliding.window) == (18, 128)
    assert sliding.attended(50) == 50
    assert sliding.attended(5000) == 128


def test_chunked_layers_see_half_a_chunk_on_average() -> None:
    full, chunked = attention_groups(load_model("llama-4-scout"))
    assert (full.kind, chunked.kind) == ("full", "chunked")
    assert chunked.attended(100_000) == 8192 / 2


@pytest.mark.parametrize("name", ["llama-3.1-8b", "mistral-7b", "gemma-3-27b", "deepseek-v3", "qwen3.5-27b"])
def test_groups_cover_all_layers(name: str) -> None:
    card = load_model(name)
    assert sum(group.layers for group in attention_groups(card)) == card.layers


def test_heads_are_divided_over_devices() -> None:
    (group,) = attention_groups(load_model("llama-3.1-70b"), tensor=4)
    assert (group.heads, group.kv_heads) == (16, 2)
    assert group.decode_flops_per_product == 4 * 16 * 128


def test_latent_attention_multiplies_in_the_latent_space_when_decoding() -> None:
    (group,) = attention_groups(load_model("deepseek-v3"))
    assert group.prefill_flops_per_product == 2 * 128 * (192 + 128)
    assert group.decode_flops_per_product == 2 * 128 * (576 + 512)
    assert group.kv_values_per_token == 576


def test_sparse_attention_reads_no_more_than_its_indexer_picks() -> None:
    (group,) = attention_groups(load_model("deepseek-v3.2"))
    assert group.attended(100_000) == 2048
