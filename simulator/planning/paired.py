"""Differences between results under the same traffic, request by request, with confidence intervals.

Scenarios with the same workload and seed serve the same requests at the same times (common random numbers),
so the difference of a latency is taken per request, which removes what both have in common. Requests that
follow each other share a queue and are not independent: the interval comes from the means of ``BATCHES``
batches of consecutive requests (method of batch means; Law, Simulation Modeling and Analysis, 5th ed., 9.5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.results.latencies import is_finished, latencies_of
from simulator.results.recording import Floats, Ints
from simulator.results.result import Result

BATCHES = 20
#: 97.5 % quantile of Student's t with ``BATCHES - 1`` degrees of freedom.
_T = 2.093
#: Latencies that are compared: attribute of ``Latencies``, name.
LATENCIES = (("ttft", "TTFT"), ("tpot", "TPOT"), ("e2e", "E2E"))


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Mean of one result minus another over the same requests [ms], with its 95 % interval.

    ``low`` and ``high`` are None where there are too few requests for an interval.
    """

    metric: str
    mean: float
    low: float | None
    high: float | None
    requests: int

    @property
    def significant(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def paired_differences(base: Result, other: Result) -> list[PairedDifference] | None:
    """``other - base`` for every latency; None where the two did not serve the same requests."""
    both = _common(base, other)
    if both is None:
        return None
    one, two = both
    found = []
    for attribute, name in LATENCIES:
        gaps = _values(other, attribute, two) - _values(base, attribute, one)
        gaps = gaps[~np.isnan(gaps)]
        if len(gaps):
            found.append(_difference(name, gaps))
    return found


def _common(base: Result, other: Result) -> tuple[Ints, Ints] | None:
    """Rows of the requests that finished in both, in order of arrival; None where the traffic differs."""
    rows = []
    for result in (base, other):
        requests = result.recording.requests
        kept = np.flatnonzero(is_finished(requests) & (requests.arrival_ns >= result.context.warmup_ns))
        rows.append(kept[np.argsort(requests.request[kept])])
    one, two = base.recording.requests, other.recording.requests
    _, left, right = np.intersect1d(one.request[rows[0]], two.request[rows[1]], return_indices=True)
    first, second = rows[0][left], rows[1][right]
    if not len(first):
        return None
    same = all(
        np.array_equal(getattr(one, column)[first], getattr(two, column)[second])
        for column in ("arrival_ns", "prompt_tokens", "output_tokens")
    )
    return (first, second) if same else None


def _values(result: Result, attribute: str, rows: Ints) -> Floats:
    values: Floats = getattr(latencies_of(result.recording.requests), attribute)[rows]
    return values


def _difference(name: str, gaps: Floats) -> PairedDifference:
    mean = float(gaps.mean())
    if len(gaps) < 2 * BATCHES:
        return PairedDifference(name, mean, None, None, len(gaps))
    means = np.array([part.mean() for part in np.array_split(gaps, BATCHES)])
    half = _T * float(means.std(ddof=1)) / BATCHES**0.5
    return PairedDifference(name, mean, mean - half, mean + half, len(gaps))
