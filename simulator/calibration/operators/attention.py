"""Attention of one-token entries and of prompts.

Prompts are fitted where they are long enough to be work: with fewer than 256 tokens the launch is
all there is to see. Their time grows with the triangle of tokens and tokens attended to, plus a ramp.
"""

from __future__ import annotations

import numpy as np

from simulator.calibration.operators.search import Constant, Floats, Found, search, tried
from simulator.calibration.operators.table import OperatorTable
from simulator.hardware.execution import DecodeAttention
from simulator.latency.roofline.terms import decode_attention_s
from simulator.models.precision import bytes_per_value

LEAST_CONTEXT = 127
MOST_SEQUENCES = 256
LEAST_PROMPT = 256

_DECODE = {
    "fixed_us": Constant(12.0, 0.0, 60.0),
    "bandwidth_efficiency": Constant(0.8, 0.2, 1.0),
    "per_kv_head_ns": Constant(12.0, 0.0, 100.0),
    "overlap": Constant(2.0, 1.0, 33.0),
}
_PROMPT = {
    "fixed_us": Constant(20.0, 0.0, 200.0),
    "compute_efficiency": Constant(0.6, 0.05, 1.0),
    "ramp_tokens": Constant(1000.0, 0.0, 10_000.0),
}


def fit_decode_attention(table: OperatorTable, kv_dtype: str, bandwidth: float, peak: float) -> Found:
    """Constants of decode attention over a cache in one format.

    ``table`` has the columns batch_size, step (tokens cached before), num_key_value_heads, num_heads
    and head_dim.
    """
    kept = table.where(
        (table.column("step") >= LEAST_CONTEXT) & (table.column("batch_size") <= MOST_SEQUENCES)
    )
    heads, width = kept.column("num_key_value_heads"), kept.column("head_dim")
    sequences = kept.column("batch_size")
    attended = sequences * (kept.column("step") + 1)
    cache = attended * 2 * heads * width * bytes_per_value(kv_dtype)
    flops = attended * 4 * kept.column("num_heads") * width
    work = list(zip(cache.tolist(), (sequences * heads).tolist(), flops.tolist(), strict=True))

    def predict(values: dict[str, float]) -> Floats:
        constants = tried(DecodeAttention, values)
        times = [decode_attention_s(constants, *one, bandwidth, peak) for one in work]
        return np.array(times) + constants.fixed_us * 1e-6

    return search(_DECODE, predict, kept.seconds)


def fit_prefill_attention(table: OperatorTable, peak: float) -> Found:
    """Constants of the attention of whole prompts.

    ``table`` has the columns batch_size, isl (new tokens), num_heads, head_dim; nothing is cached before.
    """
    kept = table.where((table.column("isl") >= LEAST_PROMPT) & (table.column("step") == 0))
    prompts, tokens = kept.column("batch_size"), kept.column("isl")
    per_product = 4 * kept.column("num_heads") * kept.column("head_dim")

    def predict(values: dict[str, float]) -> Floats:
        products = prompts * tokens / 2 * (tokens + values["ramp_tokens"])
        rate = values["compute_efficiency"] * peak
        return np.asarray(values["fixed_us"] * 1e-6 + per_product * products / rate)

    return search(_PROMPT, predict, kept.seconds)
