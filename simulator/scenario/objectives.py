"""Service-level objectives: what a request must meet to count as good."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from simulator.scenario.spec import PositiveSeconds, Spec


class SloSpec(Spec):
    """Thresholds per request. A request is good if it meets all that are given."""

    ttft: PositiveSeconds | None = None
    """Time from arrival to the first token."""

    tpot: PositiveSeconds | None = None
    """Mean time per output token after the first."""

    e2e: PositiveSeconds | None = None
    """Time from arrival to the last token."""

    attainment: Annotated[float, Field(gt=0.0, le=1.0)] = 0.99
    """Share of requests that must be good for the objective to be met."""

    @property
    def given(self) -> bool:
        """Whether there is any threshold to meet."""
        return not (self.ttft is None and self.tpot is None and self.e2e is None)
