"""Load per replica that a design was proved with, and the thresholds that follow.

The mean number of requests in a replica is its arrival rate times the mean time that each spends there
(Little's law): the end-to-end latency, and in a split cluster the part of it before or after the first token.
That is what it is sized for: a replica above this target needs company before it misses its objectives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from simulator.planning.size.answer import Candidate
from simulator.planning.size.search import Found
from simulator.planning.size.verdict import Verdict
from simulator.scenario.cluster import PoolSpec

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
        Replicas of the pool at the sized load, spares included, and the fewest to keep.
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


def targets_of(candidate: Candidate) -> dict[str, Targets]:
    """Targets of each pool of a chosen design, by its name.

    A request is in a prefill replica until its first token and in a decode replica from there to its end;
    it passes through one replica of each role that it needs.
    """
    found = candidate.found
    assert found is not None
    pools = found.family.with_units(found.units).cluster.pools
    return {pool.name: _targets(candidate, found, pool, pools) for pool in pools}


def _targets(candidate: Candidate, found: Found, pool: PoolSpec, pools: Sequence[PoolSpec]) -> Targets:
    alike = sum(one.replicas for one in pools if one.role == pool.role)
    rate = (found.verdict.mean("request_throughput") or 0.0) / alike
    concurrency = max(ceil(rate * _stay_s(found.verdict, pool.role)), 1)
    per_unit = pool.replicas // found.units
    return Targets(
        concurrency=concurrency,
        waiting=max(ceil(_WAITING * concurrency), 1),
        rate=rate,
        kv_use=found.verdict.mean("peak_kv_use"),
        replicas=candidate.units * per_unit,
        least=max(ceil(_FLOOR * candidate.units * per_unit), 1 + candidate.spare * per_unit),
    )


def _stay_s(verdict: Verdict, role: str) -> float:
    """Mean time that a request spends in a replica of the role [s]."""
    whole, first = (verdict.mean(name) or 0.0 for name in ("mean_e2el_ms", "mean_ttft_ms"))
    stay = {"prefill": first, "decode": whole - first}.get(role, whole)
    return stay / 1e3
