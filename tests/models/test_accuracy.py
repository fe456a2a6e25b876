"""Changes of accuracy by format: as published, or unknown."""

from __future__ import annotations

import pytest

from simulator.models.accuracy import accuracy_changes
from simulator.models.catalogue import load_model


def changes(model, weight_dtype="bf16", kv_dtype="bf16"):
    return accuracy_changes(load_model(model), weight_dtype, kv_dtype)


def test_the_published_format_changes_nothing():
    assert changes("llama-3.1-8b") == ()
    assert changes("deepseek-v3", "fp8") == ()
    assert changes("gpt-oss-120b", "mxfp4") == ()
    assert changes("deepseek-v3", "bf16") == ()


def test_eight_bit_floats_were_found_lossless():
    (change,) = changes("llama-3.1-70b", "fp8")
    assert (change.low, change.high) == (0, 0)
    assert "none found" in change.text and "2411.02355" in change.text


def test_a_published_loss_is_given_with_its_source():
    (change,) = changes("qwen3-32b", "nvfp4")
    assert (change.low, change.high, change.unit) == (-2.4, -0.8, "points")
    assert change.text.startswith("accuracy change by nvfp4 weights: -2.4 to -0.8 points (")
    assert "Nemotron-3 Nano" in change.text


def test_a_row_for_some_models_goes_before_the_general_one():
    (general,), (reasoning,) = changes("llama-3.1-8b", "int4"), changes("qwq-32b", "int4")
    assert (general.low, general.unit) == (-3, "percent")
    assert (reasoning.low, reasoning.high) == (0, 0)


def test_what_nobody_measured_is_unknown_and_not_zero():
    (change,) = changes("llama-3.1-8b", "mxfp4")
    assert not change.known
    assert change.text == "accuracy change by mxfp4 weights: unknown; nobody published it"


def test_weights_pruning_and_cache_are_told_apart():
    found = changes("llama-3-8b", "fp8-2:4", "fp8")
    assert [(change.what, change.format) for change in found] == [
        ("weights", "fp8"),
        ("pruning", "2:4"),
        ("KV cache", "fp8"),
    ]
    assert found[1].low == pytest.approx(-26.3)
