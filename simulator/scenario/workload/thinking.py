"""How much of an output is thinking: tokens before the answer that the user does not read."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Discriminator, Field, Tag, model_validator

from simulator.scenario.spec import Count, Share, Spec
from simulator.scenario.workload.lengths import LengthSpec


class ThinkingLengthSpec(Spec):
    """Thinking has a length of its own; ``output_tokens`` of the workload is the answer after it.

    A chain of thought that goes in circles only ends at the cap: with probability ``loops``
    the thinking is ``cap`` tokens long. The answer still follows (the cap is a thinking
    budget that the engine enforces, not ``max_tokens``).
    """

    tokens: LengthSpec
    """Length of the thinking [tokens], at least one."""
    cap: Count | None = None
    """Thinking budget [tokens]."""
    loops: Share = 0.0
    """Probability that the thinking runs into the cap whatever ``tokens`` says."""

    @model_validator(mode="after")
    def _loops_need_a_cap(self) -> Self:
        if self.loops > 0.0 and self.cap is None:
            raise ValueError("loops needs cap: a loop ends only there")
        return self


class ThinkingShareSpec(Spec):
    """Thinking is a share of the output; ``output_tokens`` of the workload is the whole of it.

    ``shares`` is a histogram over [0, 1] in equal bins, as published for reasoning models
    in production. The share is independent of the length; at least one token stays for
    the answer.
    """

    shares: Annotated[tuple[Annotated[float, Field(ge=0.0)], ...], Field(min_length=1)]
    """Weight of each bin (any scale)."""

    @model_validator(mode="after")
    def _some_weight(self) -> Self:
        if sum(self.shares) <= 0.0:
            raise ValueError("at least one weight in shares must be above zero")
        return self


def _kind(value: object) -> str:
    """Which of the two specs is meant: the one with ``shares`` is the share of the output."""
    keys = value if isinstance(value, dict) else getattr(value, "__dict__", {})
    return "share" if "shares" in keys else "length"


ThinkingSpec = Annotated[
    Annotated[ThinkingLengthSpec, Tag("length")] | Annotated[ThinkingShareSpec, Tag("share")],
    Discriminator(_kind),
]
