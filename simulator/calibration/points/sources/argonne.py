"""Argonne LLM-Inference-Bench (2024): offline static batches, as many output as prompt tokens.

Assumed, where the rows say nothing: 16-bit weights, all devices share every layer, the whole batch fits the
engine's seats, greedy sampling. Engine versions are not stated; those of 2024 schedule between steps.
"""

from __future__ import annotations

from simulator.calibration.not_simulated import NotSimulated
from simulator.calibration.points.load import static_batch
from simulator.calibration.points.point import OperatingPoint
from simulator.calibration.points.setup import (
    Setup,
    card_of,
    device_of,
    lengths_of,
    load_value_of,
)
from simulator.scenario.backend import AutoBackendSpec
from simulator.scenario.cluster import ParallelismSpec, PoolSpec
from simulator.scenario.engine import EngineSpec

STEP_TOKENS = 8192


def setup(point: OperatingPoint) -> Setup:
    """The point as it is simulated."""
    if point.load_kind != "batch":
        raise NotSimulated(f"the load is {point.load_kind!r}, a static batch expected")
    card, device = card_of(point), device_of(point)
    size = round(load_value_of(point))
    pool = PoolSpec(
        name="main",
        hardware=point.device or "",
        parallelism=ParallelismSpec(tensor=point.tp or point.count or 1),
        engine=EngineSpec(
            engine_version="0.6.0",
            max_num_seqs=size,
            max_num_batched_tokens=max(STEP_TOKENS, size),
            enable_prefix_caching=False,
        ),
        latency=AutoBackendSpec(sampler="greedy"),
    )
    return Setup(
        card=card,
        device=device,
        pools=(pool,),
        weight_dtype=point.weight_dtype or "bf16",
        kv_dtype=point.kv_dtype or "auto",
        load=static_batch(*lengths_of(point), size),
        measured=point.measured,
        statistic="batch",
        steady=False,
    )
