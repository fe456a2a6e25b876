"""Load per replica that a design was proved with, and the thresholds that follow.

The mean number of requests in a replica is its arrival rate times the mean end-to-end latency (Little's law),
and that is what it is sized for: a replica above this target needs company before it misses its objectives.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from simulator.planning.size.answer import Candidate

#: Replicas that stay whatever the load, as a share of those sized for the peak [1].
_FLOOR = 0.5
#: A waiting line of this share of the target calls for another replica [1].
_WAITING = 0.1


@dataclass(frozen=True, slots=True)
class Targets:
    """Figures to paste.

    Attributes
    ----------
    concurrency
        Requests in one replica at the load it was sized for, mean.
    waiting
        Requests waiting at one replica that call for another.
    rate
        Arrivals per replica [1/s].
    kv_use
        Share of the cache in use at the fullest; None where unknown.
    replicas, least
        Replicas at the sized load, spares included, and the fewest to keep.
    """

    concurrency: int
    waiting: int
    rate: float
    kv_use: float | None
    replicas: int
    least: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def targets_of(candidate: Candidate) -> Targets:
    """Targets of a chosen design, counted on the replicas that take new requests."""
    found = candidate.found
    assert found is not None
    verdict = found.verdict
    entry = [pool for pool in found.family.with_units(found.units).cluster.pools if pool.role != "decode"]
    replicas = sum(pool.replicas for pool in entry)
    rate = (verdict.mean("request_throughput") or 0.0) / replicas
    latency_s = (verdict.mean("mean_e2el_ms") or 0.0) / 1e3
    concurrency = max(ceil(rate * latency_s), 1)
    per_unit = replicas // found.units
    return Targets(
        concurrency=concurrency,
        waiting=max(ceil(_WAITING * concurrency), 1),
        rate=rate,
        kv_use=verdict.mean("peak_kv_use"),
        replicas=candidate.units * per_unit,
        least=max(ceil(_FLOOR * candidate.units * per_unit), 1 + candidate.spare * per_unit),
    )
