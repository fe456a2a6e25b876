"""A fit that prices what it was not measured on says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.hardware.catalogue import load_device
from simulator.latency.compile import compile_backend
from simulator.models.catalogue import load_model
from simulator.scenario.backend import FittedBackendSpec
from simulator.scenario.cluster import ParallelismSpec

TEXT = """
format: fitted-backend/1
name: mine
source: made up for this test
date: '2026-11-24'
error: none
knots_ms: {1: 8.0, 3: 10.0}
"""
ALL = "{device: h100, model: meta-llama/Llama-3.1-70B-Instruct, weight_dtype: bfloat16, tensor: 4}"


def notes(folder: Path, on: str, model="llama-3.1-70b", device="nvidia-h100-sxm", tensor=4, weights="auto"):
    path = folder / "fit.yaml"
    path.write_text(TEXT + (f"measured_on: {on}\n" if on else ""))
    return compile_backend(
        FittedBackendSpec(file=str(path)),
        load_model(model),
        load_device(device),
        ParallelismSpec(tensor=tensor),
        weight_dtype=weights,
    ).provenance.notes


def test_on_what_it_was_measured_on_there_is_nothing_to_say(tmp_path):
    assert notes(tmp_path, ALL) == ()


@pytest.mark.parametrize(
    ("change", "measured", "priced"),
    [
        ({"device": "nvidia-h200-sxm"}, "h100", "nvidia-h200-sxm"),
        ({"tensor": 8}, "tensor 4", "tensor 8"),
        (
            {"model": "llama-3.1-8b"},
            "model meta-llama/Llama-3.1-70B-Instruct",
            "model llama-3.1-8b",
        ),
        ({"weights": "fp8"}, "weights in bfloat16", "weights in fp8"),
        ({"device": "nvidia-h200-sxm", "tensor": 8}, "h100, tensor 4", "nvidia-h200-sxm, tensor 8"),
    ],
)
def test_what_differs_is_named(tmp_path, change, measured, priced):
    (said,) = notes(tmp_path, ALL, **change)
    assert f"'mine' were fitted on {measured}, but price {priced}, as if" in said


@pytest.mark.parametrize(
    ("on", "unsaid"),
    [
        ("", "device, model, format of weights and layout"),
        ("{device: h100, model: llama-3.1-70b}", "format of weights and layout"),
        ("{device: h100, model: llama-3.1-70b, tensor: 4}", "format of weights"),
    ],
)
def test_what_the_file_does_not_say_is_named(tmp_path, on, unsaid):
    found = notes(tmp_path, on)
    assert [f"does not say what {unsaid} they" in one for one in found] == [True]


@pytest.mark.parametrize(
    "name",
    [
        "/models/Llama-3.1-70B-Instruct",
        "neuralmagic/Meta-Llama-3.1-70B-Instruct-FP8-dynamic",
        "meta-llama/Llama-3.1-70B-quantized.w8a8",
        "llama-3.1-70b",
    ],
)
def test_a_model_is_known_under_the_names_that_servers_give_it(tmp_path, name):
    assert notes(tmp_path, ALL.replace("meta-llama/Llama-3.1-70B-Instruct", name)) == ()


def test_a_device_without_profile_is_another_one(tmp_path):
    (said,) = notes(tmp_path, ALL.replace("h100", "my-own-card"))
    assert "fitted on my-own-card, but price nvidia-h100-sxm" in said
