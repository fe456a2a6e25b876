"""Distributions of the latencies of one run."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from simulator.results.distributions import (
    Distribution,
    distribution_of,
    distribution_of_histogram,
    keys_of,
    merge_histograms,
)
from simulator.results.latencies import Latencies, defined, is_finished
from simulator.results.recording import Recording
from simulator.results.slo import Mask


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """Distributions over the measured requests; None where no request has the latency."""

    ttft: Distribution | None
    tpot: Distribution | None
    itl: Distribution | None
    e2el: Distribution | None
    queue: Distribution | None
    ttfat: Distribution | None

    def keys(self) -> dict[str, Any]:
        """Every statistic of every latency [ms], under the names of ``vllm bench serve``."""
        return keys_of({field.name: getattr(self, field.name) for field in fields(self)})


def latency_summary(recording: Recording, latencies: Latencies, measured: Mask) -> LatencySummary:
    """The distributions over the measured requests."""
    kept = measured & is_finished(recording.requests)
    merged = merge_histograms(pool.inter_token for pool in recording.pools)
    return LatencySummary(
        ttft=distribution_of(defined(latencies.ttft[kept])),
        tpot=distribution_of(defined(latencies.tpot[kept])),
        itl=None if merged is None else distribution_of_histogram(merged),
        e2el=distribution_of(defined(latencies.e2e[kept])),
        queue=distribution_of(defined(latencies.queue[kept])),
        ttfat=distribution_of(defined(latencies.first_answer[kept])),
    )
