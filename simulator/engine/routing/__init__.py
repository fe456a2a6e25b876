"""Routers: which replica a request goes to. One policy per module, one class per policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from simulator.engine.replica import Replica
from simulator.engine.routing.least_outstanding import LeastOutstanding
from simulator.engine.routing.random_choice import RandomChoice
from simulator.engine.routing.round_robin import RoundRobin
from simulator.engine.routing.router import Router
from simulator.scenario.routing import (
    AnyRouterSpec,
    LeastOutstandingSpec,
    RandomSpec,
    RoundRobinSpec,
)

__all__ = ["ROUTERS", "LeastOutstanding", "RandomChoice", "RoundRobin", "Router", "build_router"]

Build = Callable[[Any, Sequence[Replica], np.random.Generator], Router]

#: What builds the router of each spec (``scenario.routing``).
ROUTERS: dict[type[AnyRouterSpec], Build] = {
    RoundRobinSpec: lambda spec, replicas, random: RoundRobin(replicas, random),
    RandomSpec: lambda spec, replicas, random: RandomChoice(replicas, random),
    LeastOutstandingSpec: lambda spec, replicas, random: LeastOutstanding(replicas, random),
}


def build_router(spec: AnyRouterSpec, replicas: Sequence[Replica], random: np.random.Generator) -> Router:
    """The router of a spec, in front of these replicas."""
    return ROUTERS[type(spec)](spec, replicas, random)
