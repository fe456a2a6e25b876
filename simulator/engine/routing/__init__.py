"""Routers: which replica a request goes to. One policy per module, one class per policy."""

from __future__ import annotations

from simulator.engine.routing.least_outstanding import LeastOutstanding
from simulator.engine.routing.random_choice import RandomChoice
from simulator.engine.routing.round_robin import RoundRobin
from simulator.engine.routing.router import Router

__all__ = ["ROUTERS", "LeastOutstanding", "RandomChoice", "RoundRobin", "Router"]

#: The class of every policy that a scenario can name (``scenario.cluster.RouterSpec.policy``).
ROUTERS: dict[str, type[Router]] = {
    "round_robin": RoundRobin,
    "random": RandomChoice,
    "least_outstanding": LeastOutstanding,
}
