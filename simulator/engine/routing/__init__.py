"""Routers: which replica a request goes to. One policy per module, one class per policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from simulator.engine.replica import Replica
from simulator.engine.routing.by_priority import ByPriority
from simulator.engine.routing.cheapest import Cheapest
from simulator.engine.routing.kv_load import KvLoad
from simulator.engine.routing.least_outstanding import LeastOutstanding
from simulator.engine.routing.least_outstanding_tokens import LeastOutstandingTokens
from simulator.engine.routing.power_of_two import PowerOfTwo
from simulator.engine.routing.prefix_aware import PrefixAware
from simulator.engine.routing.prefix_view import ApproximateView, ExactView
from simulator.engine.routing.random_choice import RandomChoice
from simulator.engine.routing.round_robin import RoundRobin
from simulator.engine.routing.router import Router
from simulator.engine.routing.session_affinity import SessionAffinity
from simulator.engine.routing.slo_aware import SloAware
from simulator.scenario.routing import (
    AnyRouterSpec,
    ByPrioritySpec,
    CheapestSpec,
    KvLoadSpec,
    LeastOutstandingSpec,
    LeastOutstandingTokensSpec,
    PowerOfTwoSpec,
    PrefixAwareSpec,
    RandomSpec,
    RoundRobinSpec,
    SessionAffinitySpec,
    SloAwareSpec,
)
from simulator.units.clock import ns_from_seconds

__all__ = ["ROUTERS", "LeastOutstanding", "RandomChoice", "RoundRobin", "Router", "build_router"]

Replicas = Sequence[Replica]
Random = np.random.Generator
#: Time to first token [ns] that each tenant asks for.
Objectives = Sequence[int | None]
Build = Callable[[Any, Replicas, Random, Objectives], Router]


def _prefix_aware(spec: PrefixAwareSpec, replicas: Replicas, random: Random, _: Objectives) -> Router:
    exact = spec.view == "exact"
    view = ExactView() if exact else ApproximateView(ns_from_seconds(spec.staleness))
    return PrefixAware(replicas, random, view, spec.overlap_weight)


#: What builds the router of each spec (``scenario.routing``).
ROUTERS: dict[type[AnyRouterSpec], Build] = {
    RoundRobinSpec: lambda spec, replicas, random, _: RoundRobin(replicas, random),
    RandomSpec: lambda spec, replicas, random, _: RandomChoice(replicas, random),
    PowerOfTwoSpec: lambda spec, replicas, random, _: PowerOfTwo(replicas, random, spec.choices),
    LeastOutstandingSpec: lambda spec, replicas, random, _: LeastOutstanding(replicas, random),
    LeastOutstandingTokensSpec: lambda spec, replicas, random, _: LeastOutstandingTokens(replicas, random),
    KvLoadSpec: lambda spec, replicas, random, _: KvLoad(replicas, random),
    PrefixAwareSpec: _prefix_aware,
    SessionAffinitySpec: lambda spec, replicas, random, _: SessionAffinity(replicas, random, spec.most_ahead),
    ByPrioritySpec: lambda spec, replicas, random, _: ByPriority(
        replicas, random, spec.urgent, spec.reserved
    ),
    SloAwareSpec: lambda spec, replicas, random, objectives: SloAware(replicas, random, objectives),
    CheapestSpec: lambda spec, replicas, random, _: Cheapest(replicas, random, spec.spill_at),
}


def build_router(
    spec: AnyRouterSpec, replicas: Replicas, random: Random, objectives: Objectives = (None,)
) -> Router:
    """The router of a spec, in front of these replicas."""
    return ROUTERS[type(spec)](spec, replicas, random, objectives)
