"""Steps priced from operator tables: measured where there is a table, the roofline where there is none."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

import simulator
from simulator.errors import InputError
from simulator.hardware.catalogue import load_device
from simulator.latency.compile import CompiledBackend, compile_backend
from simulator.latency.operator_tables.ratios import Grid, Line, filled
from simulator.models.catalogue import load_model
from simulator.scenario.backend import OperatorTablesBackendSpec, RooflineBackendSpec
from simulator.scenario.cluster import ParallelismSpec

#: Shapes of Llama-3.1-8B that the made-up table holds, (outputs, inputs).
SHAPES = [(6144, 4096), (4096, 4096), (28672, 4096), (4096, 14336), (128256, 4096)]
SIZES = (1, 8, 64, 512, 4096)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Tables in which every product takes 1 ms and decode attention 2 ms, whatever their size."""
    sides_n, sides_k = {n for n, _ in SHAPES}, {k for _, k in SHAPES}
    rows = [("bfloat16", m, n, k, 1.0) for n in sides_n for k in sides_k for m in SIZES]
    gemm = pd.DataFrame(rows, columns=["gemm_dtype", "m", "n", "k", "latency_ms"])
    gemm.to_csv(tmp_path / "gemm-gemm_perf-vllm-9.9.9.csv.gz", index=False)
    decode = [(batch, step, 32, 8, 128, "bfloat16", 2.0) for batch in (1, 8, 64) for step in (1, 1999)]
    names = ["batch_size", "step", "num_heads", "num_key_value_heads", "head_dim", "kv_cache_dtype"]
    table = pd.DataFrame(decode, columns=[*names, "latency_ms"])
    table.to_csv(tmp_path / "attention-generation-vllm-9.9.9.csv.gz", index=False)
    return tmp_path


def tabled(folder: Path | None, model: str = "llama-3.1-8b", **layout: int) -> CompiledBackend:
    spec = OperatorTablesBackendSpec(folder=None if folder is None else str(folder), sampler="greedy")
    device = load_device("nvidia-h100-sxm")
    return compile_backend(spec, load_model(model), device, ParallelismSpec(**layout))


def test_a_measured_step_takes_what_was_measured(folder):
    """32 layers of four products and attention, one head: 32 x (4 + 2) + 1 ms, and the rest of the layers."""
    step_ms = tabled(folder).pricer.step_ns(0, 0, 0, 0, 8, 8, 8 * 2000) / 1e6
    rest_ms = step_ms - (32 * (4 * 1.0 + 2.0) + 1.0)
    assert 0.0 < rest_ms < 1.5


def test_where_everything_is_measured_alike_more_tokens_take_no_longer(folder):
    pricer = tabled(folder).pricer
    one, many = (pricer.step_ns(0, 0, 0, 0, n, n, n * 2000) for n in (1, 64))
    assert many == pytest.approx(one, rel=0.01)


def test_a_decode_step_lies_on_its_line(folder):
    pricer = tabled(folder).pricer
    line = pricer.decode_line(5, 3000)
    assert pricer.step_ns(0, 0, 0, 0, 5, 5, 3000) == line.step_ns(5, 3000)


def test_every_operator_says_how_it_is_known(folder):
    provenance = tabled(folder).provenance
    assert provenance.backend == "operator tables"
    assert "qkv (6,144 x 4,096) measured" in provenance.sources[0]
    assert "vllm 9.9.9" in provenance.sources[0]
    (note,) = provenance.notes
    assert "prompt attention (32 heads, 8 of KV) (there is no table of prompt attention)" in note


def test_a_shape_between_measured_ones_is_interpolated(folder):
    source = tabled(folder, "mistral-nemo-12b").provenance.sources[0]
    assert "o (5,120 x 4,096) interpolated" in source


def test_experts_and_exchange_without_a_table_are_named(folder):
    notes = " ".join(tabled(folder, "mixtral-8x7b", tensor=2).provenance.notes)
    assert "experts (8 of 2 active) (there is no table of experts)" in notes
    assert "all-reduce over 2 (there is no table of all-reduces)" in notes


def test_without_the_package_the_roofline_prices_and_the_result_says_so(monkeypatch):
    monkeypatch.setattr("simulator.latency.operator_tables.source.PACKAGE", "no_such_package_at_all")
    alone = compile_backend(
        RooflineBackendSpec(sampler="greedy"), load_model("llama-3.1-8b"), load_device("nvidia-h100-sxm")
    )
    backend = tabled(None)
    step = (512, 1, 512, 512 * 512, 16, 16, 16_000)
    assert backend.pricer.step_ns(*step) == alone.pricer.step_ns(*step)
    result = simulator.run(
        {
            "workload": "azure-conv-2023",
            "model": "llama-3.1-8b",
            "requests": 5,
            "cluster": {
                "pools": [
                    {
                        "name": "main",
                        "hardware": "nvidia-h100-sxm",
                        "latency": {"backend": "operator_tables"},
                    }
                ]
            },
        }
    )
    told = [
        message for message in result.summary.messages if "aiconfigurator-core is not installed" in message
    ]
    assert len(told) == 1


def test_the_package_is_read_but_never_imported(tmp_path, monkeypatch):
    package = tmp_path / "aiconfigurator_core"
    tables = package / "systems" / "data" / "h100_sxm" / "gemm" / "vllm"
    for version, milliseconds in (("0.9.0", 5.0), ("0.24.0", 1.0)):
        (tables / version).mkdir(parents=True)
        rows = [("bfloat16", m, n, k, milliseconds) for n, k in SHAPES for m in SIZES]
        table = pd.DataFrame(rows, columns=["gemm_dtype", "m", "n", "k", "latency"])
        table.to_parquet(tables / version / "gemm_perf.parquet")
    (package / "__init__.py").write_text("raise RuntimeError('imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    backend = tabled(None)
    assert "aiconfigurator-core, h100_sxm (vllm 0.24.0)" in backend.provenance.sources[0]
    assert 129.0 < backend.pricer.step_ns(0, 0, 0, 0, 1, 1, 100) / 1e6 < 133.0
    assert "aiconfigurator_core" not in sys.modules


def test_a_folder_without_tables_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no operator table"):
        tabled(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        tabled(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("device", "system", "model"),
    [
        ("nvidia-h100-sxm", "h100_sxm", "llama-3.1-8b"),
        ("nvidia-a100-80g-sxm", "a100_sxm", "qwen3-14b"),
        ("nvidia-b200-sxm", "b200_sxm", "qwen3-32b"),
    ],
)
def test_the_roofline_was_fitted_to_such_tables_and_stays_near_them(shared, device, system, model):
    spec = OperatorTablesBackendSpec(folder=str(shared / "traces" / "aiconfigurator-ops" / system))
    card, profile = load_model(model), load_device(device)
    by_table = compile_backend(spec, card, profile).pricer
    by_roofline = compile_backend(RooflineBackendSpec(), card, profile).pricer
    for sequences in (1, 32, 128):
        step = (0, 0, 0, 0, sequences, sequences, sequences * 1000)
        assert by_table.step_ns(*step) == pytest.approx(by_roofline.step_ns(*step), rel=0.15)


def test_ratios_between_points_follow_logarithms():
    line = Line((1.0, 100.0), (1.0, 3.0))
    assert line.at(10.0) == pytest.approx(2.0)
    assert line.at(0.1) == 1.0
    assert line.at(1e6) == 3.0


def test_holes_of_a_grid_take_the_nearest_measured():
    grid = filled(pd.DataFrame([[1.0, float("nan"), 3.0]]).to_numpy())
    assert grid.tolist() == [[1.0, 1.0, 3.0]]
    assert Grid((1.0,), (1.0, 10.0, 100.0), grid).at(5.0, 1000.0) == 3.0
