"""Argonne LLM-Inference-Bench (2024): offline static batches, as many output as prompt tokens.

Engine versions are not stated; those of 2024 schedule between steps.
"""

from __future__ import annotations

from simulator.calibration.not_simulated import NotSimulated
from simulator.calibration.points.point import OperatingPoint
from simulator.calibration.points.setup import Setup
from simulator.calibration.points.sources.static_batches import batch_size, static_batch_setup

STEP_TOKENS = 8192


def setup(point: OperatingPoint) -> Setup:
    """The point as it is simulated."""
    if point.load_kind != "batch":
        raise NotSimulated(f"the load is {point.load_kind!r}, a static batch expected")
    tokens = max(STEP_TOKENS, batch_size(point))
    return static_batch_setup(point, engine_version="0.6.0", max_num_batched_tokens=tokens)
