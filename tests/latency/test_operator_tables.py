"""The constants in the hardware profiles reproduce the operator tables they were fitted to."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from simulator.hardware.catalogue import load_device
from simulator.hardware.execution import RooflineExecution
from simulator.latency.roofline.terms import decode_attention_s, gemm_s

TABLES = Path(__file__).resolve().parents[2].parent / "shared" / "traces" / "aiconfigurator-ops"
pytestmark = pytest.mark.skipif(
    not TABLES.is_dir(), reason="operator tables (../shared) are not on this machine"
)


def rows(pattern: str) -> list[dict[str, str]]:
    (path,) = TABLES.glob(pattern)
    with gzip.open(path, "rt") as file:
        return list(csv.DictReader(file))


def mean_error(predicted: list[float], measured: list[float]) -> float:
    return float(np.mean(np.abs(np.array(predicted) / np.array(measured) - 1.0)))


def execution(device: str) -> RooflineExecution:
    found = load_device(device).execution
    assert isinstance(found, RooflineExecution)
    return found


@pytest.mark.parametrize(
    ("device", "system"),
    [("nvidia-h100-sxm", "h100_sxm"), ("nvidia-a100-80g-sxm", "a100_sxm"), ("nvidia-b200-sxm", "b200_sxm")],
)
def test_dense_products_in_16_bits(device, system):
    profile, constants = load_device(device), execution(device).gemm["bf16"]
    predicted, measured = [], []
    for row in rows(f"{system}/gemm-*.csv.gz"):
        m, n, k = int(row["m"]), int(row["n"]), int(row["k"])
        if row["gemm_dtype"] == "bfloat16" and min(n, k) >= 1024 and m <= 8192:
            peak = profile.peak_flops["bf16"]
            predicted.append(gemm_s(constants, n, k, m, 2.0, profile.main_memory.bandwidth, peak))
            measured.append(float(row["latency_ms"]) / 1e3)
    assert mean_error(predicted, measured) == pytest.approx(constants.fit_error, abs=0.01)


@pytest.mark.parametrize(
    ("device", "system"), [("nvidia-h100-sxm", "h100_sxm"), ("nvidia-b200-sxm", "b200_sxm")]
)
def test_decode_attention_over_a_16_bit_cache(device, system):
    profile, constants = load_device(device), execution(device).decode_attention["bf16"]
    predicted, measured = [], []
    for row in rows(f"{system}/attention-generation*.csv.gz"):
        batch, context, heads = (int(row[key]) for key in ("batch_size", "step", "num_key_value_heads"))
        if row["kv_cache_dtype"] == "bfloat16" and context >= 128 and batch <= 256:
            cache = batch * context * heads * 4 * 128
            varying = decode_attention_s(
                constants,
                cache,
                batch * heads,
                0.0,
                profile.main_memory.bandwidth,
                profile.peak_flops["bf16"],
            )
            predicted.append(constants.fixed_us * 1e-6 + varying)
            measured.append(float(row["latency_ms"]) / 1e3)
    assert mean_error(predicted, measured) < constants.fit_error + 0.03
