"""Points of one static batch on one engine: all requests at once, until the last has ended."""

from __future__ import annotations

from typing import Any

from simulator.calibration.points.load import static_batch
from simulator.calibration.points.point import OperatingPoint
from simulator.calibration.points.setup import Setup, card_of, device_of, lengths_of, load_value_of
from simulator.scenario.backend import AutoBackendSpec
from simulator.scenario.cluster import ParallelismSpec, PoolSpec
from simulator.scenario.engine import EngineSpec


def batch_size(point: OperatingPoint) -> int:
    """Requests of the batch."""
    return round(load_value_of(point))


def static_batch_setup(point: OperatingPoint, **engine: Any) -> Setup:
    """The point as it is simulated, with a seat for every request; ``engine`` are its other settings.

    Assumed, where the row says nothing: 16-bit weights, all devices share every layer, greedy sampling.
    """
    card, device, size = card_of(point), device_of(point), batch_size(point)
    pool = PoolSpec(
        name="main",
        hardware=point.device or "",
        parallelism=ParallelismSpec(tensor=point.tp or point.count or 1),
        engine=EngineSpec(max_num_seqs=size, enable_prefix_caching=False, **engine),
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
