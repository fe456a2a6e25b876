"""Who is let in at the gateway, and how patient clients are."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, PositiveFloat, model_validator

from simulator.scenario.spec import Count, CountOrZero, PositiveSeconds, Share, Spec
from simulator.units.quantity import PerSecond


class LimitsSpec(Spec):
    """What the gateway lets through to the replicas."""

    max_outstanding: Count | None = None
    """Most requests under way; default: no limit."""

    max_outstanding_tokens: Count | None = None
    """Most tokens of requests under way, prompts and whole outputs; default: no limit."""

    max_queue: CountOrZero = 0
    """Requests that may wait at the gateway for those limits; beyond that they are shed."""

    max_queue_time: PositiveSeconds | None = None
    """A request that has waited there so long is shed; default: it waits as long as its client."""

    rate: Annotated[PerSecond, Field(gt=0.0)] | None = None
    """Requests per second that are let in (token bucket); beyond that they are shed; default: no limit."""

    burst: Count = 1
    """With `rate`: how many may come at once."""

    @model_validator(mode="after")
    def _queues_for_something(self) -> Self:
        bounded = self.max_outstanding is not None or self.max_outstanding_tokens is not None
        if (self.max_queue or self.max_queue_time is not None) and not bounded:
            raise ValueError("max_queue has no effect without max_outstanding or max_outstanding_tokens")
        return self


class AdmissionSpec(LimitsSpec):
    """Limits of all requests together; those of a tenant stand with the tenant."""

    too_long: Literal["error", "refuse"] = "error"
    """A request that no replica could hold: an error that ends the run, or it ends as refused."""


class ClientSpec(Spec):
    """How long clients wait, and whether they try again."""

    timeout: PositiveSeconds | None = None
    """Wait for the last token, in each attempt; default: as long as it takes."""

    first_token_timeout: PositiveSeconds | None = None
    """Wait for the first token, in each attempt; default: as long as it takes."""

    retries: CountOrZero = 0
    """Attempts after the first. Each starts from nothing; latencies count from the first attempt."""

    backoff: PositiveSeconds | None = None
    """Wait before the second attempt; default: 1 s."""

    factor: Annotated[PositiveFloat, Field(ge=1.0)] = 2.0
    """How much longer the wait is before each further attempt."""

    max_backoff: PositiveSeconds | None = None
    """Longest such wait; default: 60 s."""

    jitter: Share = 0.5
    """Share of each wait that is random: 0: none, 0.5: "equal jitter", 1: "full jitter"."""

    retry_on: tuple[Literal["timed_out", "shed", "failed"], ...] = ("timed_out", "shed", "failed")
    """Ends after which a client tries again."""
