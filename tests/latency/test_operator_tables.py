"""The constants in the hardware profiles reproduce the operator tables they were fitted to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simulator.calibration.operators.gemm import MOST_TOKENS
from simulator.calibration.operators.table import OperatorTable, read_table
from simulator.hardware.catalogue import load_device
from simulator.hardware.execution import RooflineExecution
from simulator.latency.machine import machine_of
from simulator.latency.roofline.terms import decode_attention_s, gemm_s
from simulator.models.precision import bytes_per_value

TABLES = Path(__file__).resolve().parents[2].parent / "shared" / "traces" / "aiconfigurator-ops"
pytestmark = pytest.mark.skipif(
    not TABLES.is_dir(), reason="operator tables (../shared) are not on this machine"
)
SAMPLE = 7  # every seventh row tells as much


def rows(system: str, operator: str) -> OperatorTable:
    table = read_table(TABLES / system, operator)
    assert table is not None
    return table


def mean_error(predicted: list[float], measured: list[float]) -> float:
    return float(np.mean(np.abs(np.array(predicted) / np.array(measured) - 1.0)))


def execution(device: str) -> RooflineExecution:
    found = load_device(device).execution
    assert isinstance(found, RooflineExecution)
    return found


@pytest.mark.parametrize(
    ("device", "system", "weights"),
    [
        ("nvidia-h100-sxm", "h100_sxm", "bf16"),
        ("nvidia-h100-sxm", "h100_sxm", "fp8"),
        ("nvidia-a100-80g-sxm", "a100_sxm", "bf16"),
        ("nvidia-b200-sxm", "b200_sxm", "bf16"),
        ("nvidia-b200-sxm", "b200_sxm", "fp8"),
        ("nvidia-b200-sxm", "b200_sxm", "nvfp4"),
    ],
)
def test_dense_products(device, system, weights):
    machine, constants = machine_of(load_device(device)), execution(device).gemm[weights]
    table = dict(rows(system, "gemm").by_format("gemm_dtype"))[weights].rows
    usual = table[(table[["n", "k"]].min(axis=1) >= 1024) & (table.m <= MOST_TOKENS) & (table.n <= 32768)]
    predicted, measured = [], []
    for row in usual[usual.k <= 32768][::SAMPLE].itertuples():
        work = gemm_s(
            constants,
            row.n,
            row.k,
            row.m,
            bytes_per_value(weights),
            machine.bandwidth,
            machine.product_flops(weights),
        )
        predicted.append(constants.fixed_us * 1e-6 + work)
        measured.append(row.latency_ms / 1e3)
    assert mean_error(predicted, measured) == pytest.approx(constants.fit_error, abs=0.01)


@pytest.mark.parametrize(
    ("device", "system"), [("nvidia-h100-sxm", "h100_sxm"), ("nvidia-b200-sxm", "b200_sxm")]
)
def test_decode_attention_over_a_16_bit_cache(device, system):
    machine, constants = machine_of(load_device(device)), execution(device).decode_attention["bf16"]
    table = dict(rows(system, "attention-generation").by_format("kv_cache_dtype"))["bf16"].rows
    predicted, measured = [], []
    for row in table[(table.step >= 127) & (table.batch_size <= 256)][::SAMPLE].itertuples():
        heads = row.batch_size * row.num_key_value_heads
        varying = decode_attention_s(
            constants,
            heads * (row.step + 1) * 4 * row.head_dim,
            heads,
            0.0,
            machine.bandwidth,
            machine.product_flops("bf16"),
        )
        predicted.append(constants.fixed_us * 1e-6 + varying)
        measured.append(row.latency_ms / 1e3)
    assert mean_error(predicted, measured) < constants.fit_error + 0.03
