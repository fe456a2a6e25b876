"""Routing policies: which replica a new request goes to."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from simulator.scenario.spec import Spec


class RoundRobinSpec(Spec):
    """The replicas in turn."""

    policy: Literal["round_robin"] = "round_robin"


class RandomSpec(Spec):
    """Every replica with the same probability."""

    policy: Literal["random"] = "random"


class LeastOutstandingSpec(Spec):
    """The replica with the fewest unfinished requests (join the shortest queue)."""

    policy: Literal["least_outstanding"] = "least_outstanding"


def _in_turn_unless_said(router: Any) -> Any:
    """``router: {}`` is round robin; ``router: random`` is short for ``router: {policy: random}``."""
    if isinstance(router, str):
        return {"policy": router}
    return {"policy": "round_robin", **router} if isinstance(router, dict) else router


AnyRouterSpec = RoundRobinSpec | RandomSpec | LeastOutstandingSpec

RouterSpec = Annotated[AnyRouterSpec, Field(discriminator="policy"), BeforeValidator(_in_turn_unless_said)]
