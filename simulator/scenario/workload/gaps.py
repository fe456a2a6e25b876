"""Times between things that a person or a tool does: reading, typing, running a test."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from simulator.scenario.spec import Spec
from simulator.scenario.workload.quantities import Positive, PositiveSeconds


class GapSpec(Spec):
    """A time: lognormal, or fixed where ``sigma`` is 0."""

    median: PositiveSeconds
    """Half of the gaps are shorter [s]."""
    sigma: Annotated[float, Field(ge=0.0, le=10.0)] = 0.0
    """Standard deviation of ln(gap)."""
    max: PositiveSeconds | None = None
    """Longer gaps become this [s]."""


class GapPartSpec(GapSpec):
    """One kind of gap among several."""

    weight: Positive = 1.0
    """How often this kind occurs (any scale)."""


class GapMixtureSpec(Spec):
    """Gaps of several kinds: a tool that answers in seconds, a test run, a person who comes back later."""

    parts: Annotated[tuple[GapPartSpec, ...], Field(min_length=1)]
    """The kinds; each gap is of one of them, chosen by weight."""


def _kind(value: object) -> str:
    """Which of the two specs is meant: the one with ``parts`` is a mixture."""
    keys = value if isinstance(value, dict) else getattr(value, "__dict__", {})
    return "mixture" if "parts" in keys else "one"


#: One kind of gap, or several.
GapsSpec = Annotated[
    Annotated[GapSpec, Tag("one")] | Annotated[GapMixtureSpec, Tag("mixture")], Discriminator(_kind)
]
