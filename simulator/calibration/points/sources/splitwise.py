"""Splitwise (2023): static batches on A100 and H100; the whole batch's prompts are one step.

The engine is one of 2023, which launches every kernel from the host (no CUDA graphs).
"""

from __future__ import annotations

from simulator.calibration.points.point import OperatingPoint
from simulator.calibration.points.setup import Setup, lengths_of
from simulator.calibration.points.sources.static_batches import batch_size, static_batch_setup


def setup(point: OperatingPoint) -> Setup:
    """The point as it is simulated."""
    prompt, _ = lengths_of(point)
    size = batch_size(point)
    tokens = max(round(size * prompt), size)
    return static_batch_setup(
        point, engine_version="0.2.0", max_num_batched_tokens=tokens, enforce_eager=True
    )
