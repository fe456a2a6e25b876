"""Trials that no simulation made: what a search does is told from how it asks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulator.planning.size.trial import Ask, ObjectiveTrial, Trial

TARGET = 0.95


def trial(share: float, seed: int = 0, *, overloaded: bool = False, scatter: float = 0.0) -> Trial:
    """One trial with 20 batches around a share."""
    rng = np.random.default_rng(seed)
    batches = np.clip(share + scatter * rng.standard_normal(20), 0, 1)
    share = float(batches.mean()) if scatter else share
    objective = ObjectiveTrial("requests", TARGET, share, tuple(float(one) for one in batches))
    return Trial(seed, 1000, overloaded, (objective,), {"cost_per_hour_usd": 1.0})


def replicas(ask: Ask) -> int:
    """Replicas of the only pool that is asked for."""
    return ask.scenario.cluster.pools[0].replicas


def answered(search, reply: Callable[[Ask], Trial]):
    """What a search returns where ``reply`` answers it, and all that it asked."""
    asks: list[Ask] = []
    replies = None
    try:
        while True:
            asked = next(search) if replies is None else search.send(replies)
            asks += asked
            replies = [reply(one) for one in asked]
    except StopIteration as end:
        return end.value, asks
