"""Which requests met the service-level objectives.

A request meets the objectives when it finished and met every given threshold. An output of one
token has no TPOT and meets any TPOT threshold, as in ``vllm bench serve``. Requests that timed
out, were shed or failed count as misses; requests that the client aborted do not count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.results.context import Slo
from simulator.results.latencies import ABORTED, Latencies, is_finished
from simulator.results.recording import Floats, RequestColumns

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Attainment:
    """Share of counted requests within each threshold; None where not asked for or none counted."""

    overall: float | None
    ttft: float | None
    tpot: float | None
    e2e: float | None
    met: bool | None


def meets(requests: RequestColumns, latencies: Latencies, slo: Slo) -> Mask:
    """True for every request that finished within all given thresholds, shape (n,)."""
    return (
        is_finished(requests)
        & _within(latencies.ttft, slo.ttft_s)
        & _within_tpot(latencies.tpot, slo.tpot_s)
        & _within(latencies.e2e, slo.e2e_s)
    )


def attainment_of(requests: RequestColumns, latencies: Latencies, slo: Slo, measured: Mask) -> Attainment:
    """Attainment over the measured requests (a mask of shape (n,))."""
    counted = measured & (requests.status != ABORTED)
    if not slo.given or not counted.any():
        return Attainment(None, None, None, None, None)
    finished = is_finished(requests)

    def share(mask: Mask) -> float:
        return float(mask[counted].mean())

    overall = share(meets(requests, latencies, slo))
    return Attainment(
        overall=overall,
        ttft=None if slo.ttft_s is None else share(_within(latencies.ttft, slo.ttft_s)),
        tpot=None if slo.tpot_s is None else share(finished & _within_tpot(latencies.tpot, slo.tpot_s)),
        e2e=None if slo.e2e_s is None else share(_within(latencies.e2e, slo.e2e_s)),
        met=overall >= slo.attainment,
    )


def _within(values_ms: Floats, threshold_s: float | None) -> Mask:
    # A comparison with NaN is False: what never happened was not in time.
    return np.ones(len(values_ms), dtype=bool) if threshold_s is None else values_ms <= threshold_s * 1e3


def _within_tpot(values_ms: Floats, threshold_s: float | None) -> Mask:
    return _within(values_ms, threshold_s) | np.isnan(values_ms)
