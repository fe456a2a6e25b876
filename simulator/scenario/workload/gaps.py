"""Times between things that a person or a tool does: reading, typing, running a test."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

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
