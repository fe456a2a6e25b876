"""Constants are found again in tables that were made with them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest

from simulator.calibration.operators.attention import fit_decode_attention, fit_prefill_attention
from simulator.calibration.operators.experts import fit_experts
from simulator.calibration.operators.gemm import fit_gemm
from simulator.calibration.operators.table import OperatorTable, read_table
from simulator.errors import InputError
from simulator.hardware.execution import DecodeAttention, Experts, Gemm
from simulator.latency.roofline.terms import decode_attention_s, experts_s, gemm_s

BANDWIDTH, PEAK = 3e12, 1e15


def table(rows: list[dict[str, float]], seconds: list[float], **labels: str) -> OperatorTable:
    frame = pd.DataFrame(rows).assign(latency_ms=np.array(seconds) * 1e3, **labels)
    return OperatorTable(frame, "made up")


def close(found: dict[str, float], truth: dict[str, float]) -> None:
    for name, value in truth.items():
        assert found[name] == pytest.approx(value, rel=0.05), name


def test_products_give_back_their_efficiencies_and_waits():
    truth = {
        "fixed_us": 5.0,
        "bandwidth_efficiency": 0.8,
        "compute_efficiency": 0.6,
        "overlap": 2.0,
        "per_inner_ns": 0.4,
        "activation_passes": 4.0,
    }
    constants = Gemm(source="s", date="d", confidence="fitted", **truth)
    shapes = list(product((1024, 4096, 16384), (1024, 8192, 16384), (1, 16, 64, 256, 1024, 8192)))
    rows = [{"n": n, "k": k, "m": m} for n, k, m in shapes]
    seconds = [5e-6 + gemm_s(constants, n, k, m, 1.0, BANDWIDTH, PEAK) for n, k, m in shapes]
    found = fit_gemm(table(rows, seconds), "fp8", BANDWIDTH, PEAK)
    close(found.values, truth)
    assert found.error < 0.01


def test_decode_attention_gives_back_its_floor_per_sequence_and_head():
    truth = {"fixed_us": 10.0, "bandwidth_efficiency": 0.85, "per_kv_head_ns": 15.0, "overlap": 2.0}
    constants = DecodeAttention(source="s", date="d", confidence="fitted", **truth)
    rows, seconds = [], []
    for batch, step, heads in product((1, 8, 64, 256), (127, 1023, 8191), (1, 8)):
        rows.append(
            {
                "batch_size": batch,
                "step": step,
                "num_key_value_heads": heads,
                "num_heads": 4 * heads,
                "head_dim": 128,
            }
        )
        cache = batch * (step + 1) * heads * 512
        flops = batch * (step + 1) * 16 * heads * 128
        work = decode_attention_s(constants, cache, batch * heads, flops, BANDWIDTH, PEAK)
        seconds.append(10e-6 + work)
    close(fit_decode_attention(table(rows, seconds), "bf16", BANDWIDTH, PEAK).values, truth)


def test_prompt_attention_gives_back_its_ramp():
    rows, seconds = [], []
    for batch, tokens, heads in product((1, 8), (256, 1024, 8192), (8, 64)):
        rows.append({"batch_size": batch, "isl": tokens, "num_heads": heads, "head_dim": 128, "step": 0})
        seconds.append(30e-6 + 4 * heads * 128 * batch * tokens / 2 * (tokens + 900) / (0.5 * PEAK))
    found = fit_prefill_attention(table(rows, seconds), PEAK).values
    close(found, {"fixed_us": 30.0, "compute_efficiency": 0.5, "ramp_tokens": 900.0})


def test_experts_are_streamed_as_tokens_reach_them():
    truth = {
        "fixed_us": 40.0,
        "bandwidth_efficiency": 0.7,
        "compute_efficiency": 0.4,
        "overlap": 1.5,
        "activation_passes": 3.0,
    }
    constants = Experts(source="s", date="d", confidence="fitted", **truth)
    rows, seconds = [], []
    kinds = ("balanced", "power_law_1.2")
    for tokens, inner, ranks, kind in product((1, 4, 16, 64, 512, 4096), (1024, 4096), (1, 8), kinds):
        rows.append(
            {
                "distribution": kind,
                "num_tokens": tokens,
                "hidden_size": 4096,
                "inter_size": inner,
                "topk": 8,
                "num_experts": 128,
                "moe_tp_size": 1,
                "moe_ep_size": ranks,
            }
        )
        visits, weights = tokens * 8 / ranks, 3 * 4096 * inner
        at_random = 128 / ranks * (1 - (1 - 8 / 128) ** tokens)
        touched = min(128 / ranks, max(visits, 1.0)) if kind == "balanced" else at_random
        traffic = visits * (2 * 4096 + 3 * inner) * 2
        work = experts_s(constants, touched * weights, traffic, 2 * visits * weights, BANDWIDTH, PEAK)
        seconds.append(40e-6 + work)
    close(fit_experts(table(rows, seconds), "fp8", BANDWIDTH, PEAK).values, truth)


def test_a_folder_with_two_tables_of_one_operator_is_refused(tmp_path):
    for version in ("1", "2"):
        pd.DataFrame({"m": [1]}).to_csv(tmp_path / f"gemm-gemm_perf-vllm-{version}.csv.gz")
    assert read_table(tmp_path, "moe") is None
    with pytest.raises(InputError, match="2 tables of gemm"):
        read_table(tmp_path, "gemm")
