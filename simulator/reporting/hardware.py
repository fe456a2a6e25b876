"""The machines of a pool in words; where an autoscaler starts and stops them, from the fewest to the most."""

from __future__ import annotations

from simulator.results.context import PoolContext
from simulator.results.pool_use import PoolUse


def replicas_in_words(about: PoolContext, use: PoolUse) -> str:
    """How many replicas a pool had, ``2`` or ``1 to 10``. Those that only failed are not counted out."""
    return _in_words(about, use, 1)


def devices_in_words(about: PoolContext, use: PoolUse) -> str:
    """How many devices of which kind these were, ``8 × NVIDIA H100 SXM5``."""
    return f"{_in_words(about, use, about.devices_per_replica)} × {about.device}"


def _in_words(about: PoolContext, use: PoolUse, each: int) -> str:
    fleet = use.fleet
    if fleet is None or not (fleet.starts or fleet.stops):
        return str(about.replicas * each)
    fewest, most = fleet.fewest_serving * each, fleet.most_serving * each
    return str(most) if fewest == most else f"{fewest} to {most}"
