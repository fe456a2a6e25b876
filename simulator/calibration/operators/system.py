"""All operator tables of one system, as the groups of constants of a hardware profile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simulator.calibration.operators.attention import fit_decode_attention, fit_prefill_attention
from simulator.calibration.operators.experts import fit_experts
from simulator.calibration.operators.gemm import fit_gemm
from simulator.calibration.operators.search import Found
from simulator.calibration.operators.table import EXPERT_FORMATS, OperatorTable, read_table
from simulator.hardware.catalogue import load_device
from simulator.latency.machine import machine_of

#: Folders of tables, and the profiles they belong to.
SYSTEMS = {
    "h100_sxm": "nvidia-h100-sxm",
    "a100_sxm": "nvidia-a100-80g-sxm",
    "b200_sxm": "nvidia-b200-sxm",
}


def fit_system(folder: Path) -> dict[str, Any]:
    """Constants of one system, in the layout of a profile's ``execution:`` section.

    Prompt attention keeps its launch out: a step pays for that once, with decode attention's.
    """
    machine = machine_of(load_device(SYSTEMS[folder.name]))
    fitted: dict[str, Any] = {}
    gemm, decode = read_table(folder, "gemm"), read_table(folder, "attention-generation")
    prompts, moe = read_table(folder, "attention-context"), read_table(folder, "moe")
    if gemm is not None:
        fitted["gemm"] = {
            dtype: _group(fit_gemm(rows, dtype, machine.bandwidth, machine.product_flops(dtype)), rows)
            for dtype, rows in gemm.by_format("gemm_dtype")
        }
    if decode is not None:
        peak = machine.product_flops("bf16")
        fitted["decode_attention"] = {
            dtype: _group(fit_decode_attention(rows, dtype, machine.bandwidth, peak), rows)
            for dtype, rows in decode.by_format("kv_cache_dtype")
        }
    if prompts is not None:
        rows = next(rows for dtype, rows in prompts.by_format("kv_cache_dtype") if dtype == "bf16")
        found = fit_prefill_attention(rows, machine.product_flops("bf16"))
        fitted["prefill_attention"] = _group(
            Found({name: value for name, value in found.values.items() if name != "fixed_us"}, found.error),
            rows,
        )
    if moe is not None:
        fitted["experts"] = {
            dtype: _group(fit_experts(rows, dtype, machine.bandwidth, machine.product_flops(dtype)), rows)
            for dtype, rows in moe.by_format("moe_dtype", EXPERT_FORMATS)
        }
    return fitted


def _group(found: Found, table: OperatorTable) -> dict[str, Any]:
    return {
        **{name: float(f"{value:.3g}") for name, value in found.values.items()},
        "source": f"aiconfigurator-core 0.12.0 operator tables (Apache-2.0), {table.software}",
        "fit_error": round(found.error, 3),
    }
