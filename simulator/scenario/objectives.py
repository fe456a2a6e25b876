"""Service-level objectives: what a request must meet to count as good."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from simulator.scenario.spec import PositiveSeconds, Spec

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)_(ttft|tpot|e2e)")


def percentile_parts(name: str) -> tuple[float, str]:
    """Percent and latency of an objective's name: ``p99_ttft`` is (99.0, "ttft").

    Raises
    ------
    ValueError
        Where the name is none.
    """
    match = _PERCENTILE.fullmatch(name)
    if match is None or float(match[1]) <= 0:
        raise ValueError(
            f"found {name!r}, expected a percentile of ttft, tpot or e2e, such as p99_ttft or p99.9_e2e"
        )
    return float(match[1]), match[2]


def _known(percentiles: dict[str, float]) -> dict[str, float]:
    for name in percentiles:
        percentile_parts(name)
    return percentiles


class SloSpec(Spec):
    """Thresholds per request, and percentiles over requests.

    A request is good if it meets all thresholds that are given; the objectives are met if enough requests are
    good and every percentile is within its limit.
    """

    ttft: PositiveSeconds | None = None
    """Time from arrival to the first token."""

    tpot: PositiveSeconds | None = None
    """Mean time per output token after the first."""

    e2e: PositiveSeconds | None = None
    """Time from arrival to the last token."""

    attainment: Annotated[float, Field(gt=0.0, le=1.0)] = 0.99
    """Share of requests that must be good for the objective to be met."""

    percentiles: Annotated[dict[str, PositiveSeconds], AfterValidator(_known)] = Field(default_factory=dict)
    """Limits of percentiles, each for itself: `{p99_ttft: 500 ms, p95_tpot: 50 ms}`."""

    @property
    def given(self) -> bool:
        """Whether there is anything to meet."""
        return bool(self.percentiles) or not (self.ttft is None and self.tpot is None and self.e2e is None)
