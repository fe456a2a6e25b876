"""Splitwise (2023): static batches on A100 and H100; the whole batch's prompts are one step.

Assumed, where the rows say nothing: 16-bit weights, greedy sampling, and an engine of 2023, which launches
every kernel from the host (no CUDA graphs).
"""

from __future__ import annotations

from simulator.calibration.points.load import static_batch
from simulator.calibration.points.point import OperatingPoint
from simulator.calibration.points.setup import Setup, card_of, device_of, lengths_of, load_value_of
from simulator.scenario.backend import AutoBackendSpec
from simulator.scenario.cluster import ParallelismSpec, PoolSpec
from simulator.scenario.engine import EngineSpec


def setup(point: OperatingPoint) -> Setup:
    """The point as it is simulated."""
    card, device = card_of(point), device_of(point)
    size = round(load_value_of(point))
    prompt, output = lengths_of(point)
    pool = PoolSpec(
        name="main",
        hardware=point.device or "",
        parallelism=ParallelismSpec(tensor=point.tp or point.count or 1),
        engine=EngineSpec(
            engine_version="0.2.0",
            max_num_seqs=size,
            max_num_batched_tokens=max(round(size * prompt), size),
            enable_prefix_caching=False,
            enforce_eager=True,
        ),
        latency=AutoBackendSpec(sampler="greedy"),
    )
    return Setup(
        card=card,
        device=device,
        pools=(pool,),
        weight_dtype=point.weight_dtype or "bf16",
        kv_dtype=point.kv_dtype or "auto",
        load=static_batch(prompt, output, size),
        measured=point.measured,
        statistic="batch",
        steady=False,
    )
