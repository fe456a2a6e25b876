"""Routing policies: which replica a new request goes to."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from simulator.scenario.spec import Count, CountOrZero, Share, Spec
from simulator.units.quantity import Seconds


class RoundRobinSpec(Spec):
    """The replicas in turn."""

    policy: Literal["round_robin"] = "round_robin"


class RandomSpec(Spec):
    """Every replica with the same probability."""

    policy: Literal["random"] = "random"


class LeastOutstandingSpec(Spec):
    """The replica with the fewest unfinished requests (join the shortest queue)."""

    policy: Literal["least_outstanding"] = "least_outstanding"


class LeastOutstandingTokensSpec(Spec):
    """The replica whose unfinished requests have the fewest tokens, prompts and whole outputs."""

    policy: Literal["least_outstanding_tokens"] = "least_outstanding_tokens"


class PowerOfTwoSpec(Spec):
    """The one with the fewest unfinished requests of a few replicas drawn at random."""

    policy: Literal["power_of_two"] = "power_of_two"

    choices: Annotated[Count, Field(ge=2)] = 2
    """Replicas drawn for each request."""


class KvLoadSpec(Spec):
    """The smallest share of KV blocks in use, among replicas with the fewest waiting requests."""

    policy: Literal["kv_load"] = "kv_load"


class PrefixAwareSpec(Spec):
    """Where most of the prompt is cached, unless too much is to be done there.

    Least ``overlap_weight`` x prompt tokens not cached + tokens still to be computed there.
    """

    policy: Literal["prefix_aware"] = "prefix_aware"

    view: Literal["exact", "approximate"] = "exact"
    """`exact`: the replicas' caches as they are; `approximate`: what the router itself sent where."""

    staleness: Seconds = 0.0
    """Of the approximate view: time until a prompt that was sent somewhere counts as cached there."""

    overlap_weight: Annotated[float, Field(ge=0.0)] = 1.0
    """What a prompt token that must be computed weighs against one of the requests already there."""

    @model_validator(mode="after")
    def _exact_is_not_stale(self) -> Self:
        if self.staleness and self.view == "exact":
            raise ValueError("staleness has no effect with view: exact; say view: approximate")
        return self


class SessionAffinitySpec(Spec):
    """All requests of a conversation go to the same replica; new ones where the fewest requests are."""

    policy: Literal["session_affinity"] = "session_affinity"

    most_ahead: CountOrZero | None = None
    """A session moves where its replica has this many requests more than the least loaded; default: never."""


class ByPrioritySpec(Spec):
    """Least outstanding, with replicas that only urgent requests may use."""

    policy: Literal["by_priority"] = "by_priority"

    urgent: int = 0
    """Requests of this priority or a smaller one are urgent."""

    reserved: Share = 0.25
    """Share of the replicas that only they may use."""


class SloAwareSpec(Spec):
    """The cheapest replica that is expected to give the first token within the request's objective."""

    policy: Literal["slo_aware"] = "slo_aware"


class CheapestSpec(Spec):
    """The cheapest pool that has room, dearer ones for what it cannot take."""

    policy: Literal["cheapest"] = "cheapest"

    spill_at: Count
    """Unfinished requests per replica at which a pool is full."""


def _in_turn_unless_said(router: Any) -> Any:
    """``router: {}`` is round robin; ``router: random`` is short for ``router: {policy: random}``."""
    if isinstance(router, str):
        return {"policy": router}
    return {"policy": "round_robin", **router} if isinstance(router, dict) else router


AnyRouterSpec = (
    RoundRobinSpec
    | RandomSpec
    | PowerOfTwoSpec
    | LeastOutstandingSpec
    | LeastOutstandingTokensSpec
    | KvLoadSpec
    | PrefixAwareSpec
    | SessionAffinitySpec
    | ByPrioritySpec
    | SloAwareSpec
    | CheapestSpec
)

RouterSpec = Annotated[AnyRouterSpec, Field(discriminator="policy"), BeforeValidator(_in_turn_unless_said)]
