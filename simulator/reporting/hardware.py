"""The machines of a pool in words; where an autoscaler starts and stops them, how many of how many served."""

from __future__ import annotations

from simulator.results.context import PoolContext
from simulator.results.pool_use import PoolUse


def replicas_in_words(about: PoolContext, use: PoolUse) -> str:
    """How many replicas a pool had, ``2``, or with an autoscaler of how many ``1 to 3 of 4`` served.

    Those that only failed are not counted out.
    """
    return _in_words(about, use, 1)


def replica_in_words(about: PoolContext) -> str:
    """The devices of one replica, ``4 × NVIDIA H100 SXM5``, with those beside it in brackets."""
    kinds = [(about.devices_per_replica, about.device), *((one.count, one.device) for one in about.beside)]
    named = " + ".join(f"{count} × {device}" for count, device in kinds)
    return f"({named})" if about.beside else named


def devices_in_words(about: PoolContext, use: PoolUse) -> str:
    """How many devices of which kind these were, ``8 × NVIDIA H100 SXM5``."""
    kinds = [(about.devices_per_replica, about.device), *((one.count, one.device) for one in about.beside)]
    return " + ".join(f"{_in_words(about, use, each)} × {device}" for each, device in kinds)


def _in_words(about: PoolContext, use: PoolUse, each: int) -> str:
    fleet, all_of_them = use.fleet, about.most_replicas * each
    if fleet is None or about.autoscale_max is None:
        return str(all_of_them)
    fewest, most = fleet.fewest_serving * each, fleet.most_serving * each
    served = str(most) if fewest == most else f"{fewest} to {most}"
    return served if most == all_of_them else f"{served} of {all_of_them}"
