"""Constants of a device from layer times measured inside vLLM (format: llmservingsim-ops).

The tables time whole layers of one model (qkv_proj, attention, act_fn, ...) on one GPU of a
tensor-parallel group, without communication. Here their rows become those of the operator fits: products by
their shape, attention by its batch. Mixed batches, which no other tables have, say how decodes fare beside
prompts, and the small layers what is left of a layer.

Tables hold one folder per model with one per tensor-parallel degree (``Llama-3.1-8B/tp1``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.calibration.operators.attention import fit_decode_attention, fit_prefill_attention
from simulator.calibration.operators.gemm import BY_WIDTH, fit_gemm
from simulator.calibration.operators.search import Constant, Floats, Found, search, tried
from simulator.calibration.operators.table import OperatorTable
from simulator.errors import InputError
from simulator.hardware.execution import DecodeAttention
from simulator.latency.machine import Machine
from simulator.latency.roofline.terms import QUERY_TILE, mixed_decode_s
from simulator.models.attention import attention_groups
from simulator.models.catalogue import load_model
from simulator.models.gemms import model_gemms

if TYPE_CHECKING:
    import pandas as pd

#: Folders of tables, and the profiles they belong to.
DEVICES = {"RTX4090": "nvidia-rtx-4090", "RTXPRO6000": "nvidia-rtx-pro-6000-server"}
#: Their names of our products.
PRODUCTS = {"qkv_proj": "qkv", "o_proj": "o", "gate_up_proj": "gate_up", "down_proj": "down"}
#: Small layers, and how often each comes in a layer of the model.
SMALL = {"layernorm": 2, "rotary_emb": 1, "act_fn": 1, "qk_norm": 1}
#: Longest contexts and cached prompts that are fitted [tokens]: serving batches, not single long documents.
MOST_CONTEXT = 4096
MOST_CACHED = 2048
#: Times of unequal batches are sums over this many shots (equal ones of both tables tell).
SHOTS = 3
#: Decodes of a mixed batch from which on they decide its time.
LEAST_DECODES = 4
SOFTWARE = "LLMServingSim 5daddb2 layer tables (MIT), vLLM 0.19.0"

_MIXED = {
    "mixed_compute_efficiency": Constant(0.5, 0.05, 1.0),
    "mixed_tile_ns": Constant(2.0, 0.0, 20.0),
}
_REST = {"fixed_us": Constant(9.0, 0.0, 60.0), "hidden_bytes": Constant(20.0, 0.0, 100.0)}


@dataclass(frozen=True)
class LayerTables:
    """Tables of one model at one tensor-parallel degree."""

    model: str
    tensor: int
    dense: pd.DataFrame
    per_sequence: pd.DataFrame
    attention: pd.DataFrame
    skew: pd.DataFrame


def read_layer_tables(folder: Path) -> list[LayerTables]:
    """All tables of one device.

    Raises
    ------
    InputError
        Where there are none.
    """
    import pandas as pd

    found = []
    for place in sorted(folder.glob("*/tp*")):
        names = ("dense", "per_sequence", "attention", "skew")
        tables = [pd.read_csv(place / f"{name}.csv.gz") for name in names]
        found.append(LayerTables(place.parent.name.lower(), int(place.name[2:]), *tables))
    if not found:
        raise InputError("holds no layer tables (MODEL/tpN/dense.csv.gz)", file=folder)
    return found


def fit_layers(tables: list[LayerTables], machine: Machine) -> dict[str, Any]:
    """Constants in 16 bits, in the layout of a profile's ``execution:`` section."""
    bandwidth, peak = machine.bandwidth, machine.product_flops("bf16")
    products = _joined(_products(one) for one in tables)
    decodes = _joined(_decodes(one) for one in tables)
    prompts = _joined(_prompts(one) for one in tables)
    mixed = _joined(_mixed(one) for one in tables)
    attention = fit_decode_attention(decodes, "bf16", bandwidth, peak)
    prefill = fit_prefill_attention(prompts, peak)
    beside = fit_mixed_attention(mixed, attention, prefill, bandwidth, peak)
    kernels = {name: value for name, value in prefill.values.items() if name != "fixed_us"}
    return {
        "gemm": {"bf16": _group(fit_gemm(products, "bf16", bandwidth, peak, BY_WIDTH))},
        "decode_attention": {
            "bf16": _group(attention) | _group(beside) | {"fit_error": round(attention.error, 3)}
        },
        "prefill_attention": _group(Found(kernels, prefill.error)),
        "layer": _group(fit_rest(tables, bandwidth)),
    }


def fit_mixed_attention(
    table: OperatorTable, decode: Found, prefill: Found, bandwidth: float, peak: float
) -> Found:
    """How decodes fare beside prompts, given the constants of both alone.

    ``table`` has the columns of `_mixed`. The launch is paid once.
    """
    heads, kv_heads, width = (table.column(name) for name in ("num_heads", "num_key_value_heads", "head_dim"))
    decodes, chunk = table.column("n_decode"), table.column("prefill_chunk")
    attended = decodes * table.column("kv_decode")
    cache = attended * 2 * kv_heads * width * 2
    streaming = cache / (decode.values["bandwidth_efficiency"] * bandwidth)
    floor = decodes * kv_heads * decode.values["per_kv_head_ns"] * 1e-9
    power = decode.values["overlap"]
    alone = (streaming**power + floor**power) ** (1 / power)
    flops = 4 * heads * width * attended
    prompt = _prompt_s(table, prefill, peak) + prefill.values["fixed_us"] * 1e-6
    tiles = decodes * heads * np.ceil(chunk / QUERY_TILE)
    rows = list(zip(alone.tolist(), flops.tolist(), strict=True))

    def predict(values: dict[str, float]) -> Floats:
        constants = tried(DecodeAttention, {"mixed_batch_factor": 1.0} | values)
        beside = np.array([mixed_decode_s(constants, *row, peak) for row in rows])
        found: Floats = prompt + beside + tiles * values["mixed_tile_ns"] * 1e-9
        return found

    return search(_MIXED, predict, table.seconds)


def _prompt_s(table: OperatorTable, prefill: Found, peak: float) -> Floats:
    """Attention of one prompt's chunk behind what is cached of it."""
    chunk, cached = table.column("prefill_chunk"), table.column("kv_prefill")
    edge = cached + chunk / 2
    ramp = prefill.values["ramp_tokens"] * np.minimum(chunk / 128, 1.0)
    products = chunk * edge + ramp * edge
    per_product = 4 * table.column("num_heads") * table.column("head_dim")
    found: Floats = per_product * products / (prefill.values["compute_efficiency"] * peak)
    return found


def fit_rest(tables: list[LayerTables], bandwidth: float) -> Found:
    """Norms, rotary embedding and activation of one layer together."""
    tokens, hidden, seconds = [], [], []
    for one in tables:
        small = one.dense[one.dense["layer"].isin(SMALL)]
        times = small["time_us"] * small["layer"].map(SMALL)
        total = times.groupby(small["tokens"]).sum()
        tokens.append(total.index.to_numpy(dtype=np.float64))
        hidden.append(np.full(len(total), float(load_model(one.model).hidden)))
        seconds.append(total.to_numpy() * 1e-6)
    width = np.concatenate(tokens) * np.concatenate(hidden)

    def predict(values: dict[str, float]) -> Floats:
        found: Floats = values["fixed_us"] * 1e-6 + values["hidden_bytes"] * width / bandwidth
        return found

    return search(_REST, predict, np.concatenate(seconds))


def _products(one: LayerTables) -> pd.DataFrame:
    """Shape and time of every product; the LM head by sequences."""
    import pandas as pd

    gemms = model_gemms(load_model(one.model), one.tensor)
    shapes: dict[str, tuple[int, int]] = {gemm.role: _shape(gemm) for gemm in gemms.dense}
    head = one.per_sequence[one.per_sequence["layer"] == "lm_head"].rename(columns={"sequences": "tokens"})
    named = {**{theirs: shapes[ours] for theirs, ours in PRODUCTS.items()}, "lm_head": _shape(gemms.lm_head)}
    rows = pd.concat([one.dense, head])
    rows = rows[rows["layer"].isin(named)]
    sides = np.array([named[layer] for layer in rows["layer"]])
    return pd.DataFrame(
        {"m": rows["tokens"], "n": sides[:, 0], "k": sides[:, 1], "latency_ms": rows["time_us"] * 1e-3}
    )


def _shape(gemm: Any) -> tuple[int, int]:
    return gemm.n, gemm.k


def _shaped(one: LayerTables, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of an attention table with the heads that they were measured with."""
    (group,) = attention_groups(load_model(one.model), one.tensor)
    return rows.assign(
        num_heads=group.heads,
        num_key_value_heads=group.kv_heads,
        head_dim=group.query_dim,
        latency_ms=rows["time_us"] * 1e-3,
    )


def _batches(one: LayerTables) -> pd.DataFrame:
    """Batches with decodes; of several, those with unequal contexts, as serving has them."""
    import pandas as pd

    single = one.attention[one.attention["n_decode"] == 1]
    names = {
        "pc": "prefill_chunk",
        "kp": "kv_prefill",
        "n": "n_decode",
        "kv_mean": "kv_decode",
        "t_skew_us": "time_us",
    }
    several = one.skew[list(names)].rename(columns=names)
    several["time_us"] /= SHOTS
    rows = pd.concat([single, several], ignore_index=True)
    return rows[rows["kv_decode"].between(QUERY_TILE, MOST_CONTEXT)]


def _decodes(one: LayerTables) -> pd.DataFrame:
    rows = _batches(one)
    rows = _shaped(one, rows[rows["prefill_chunk"] == 0])
    return rows.assign(batch_size=rows["n_decode"], step=rows["kv_decode"] - 1)


def _prompts(one: LayerTables) -> pd.DataFrame:
    table = one.attention
    rows = _shaped(one, table[(table["n_decode"] == 0) & (table["kv_prefill"] == 0)])
    return rows.assign(batch_size=1, isl=rows["prefill_chunk"], step=0)


def _mixed(one: LayerTables) -> pd.DataFrame:
    rows = _batches(one)
    beside = (rows["prefill_chunk"] > 0) & (rows["kv_prefill"] <= MOST_CACHED)
    return _shaped(one, rows[beside & (rows["n_decode"] >= LEAST_DECODES)])


def _joined(parts: Iterator[pd.DataFrame]) -> OperatorTable:
    import pandas as pd

    return OperatorTable(pd.concat(list(parts), ignore_index=True), SOFTWARE)


def _group(found: Found) -> dict[str, Any]:
    return {
        **{name: float(f"{value:.3g}") for name, value in found.values.items()},
        "source": SOFTWARE,
        "fit_error": round(found.error, 3),
    }
