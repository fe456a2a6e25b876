"""How a pool was used over the measured time, from its windowed sums.

Windows that begin before the end of the warm-up are left out. Means of batch, queue and blocks
are weighted by time: batch and blocks over the time in which a replica computed, the queue over
all time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from simulator.latency.pricer import BOUNDS
from simulator.results.fleet import (
    FleetUse,
    mean_computing,
    mean_on,
    mean_owned,
    use_of_fleet,
)
from simulator.results.recording import Floats, Ints, KvTierRecording, StepWindows
from simulator.results.waiting import PoolLine


@dataclass(frozen=True, slots=True)
class TierUse:
    """What one tier behind the KV caches was good for behind the warm-up.

    ``hit_rate`` is the share of looked-up tokens that were loaded from it; ``loading_s`` the time that
    requests waited for its loads, summed over requests [s]; ``written_bytes`` what was written where that
    has a bandwidth [bytes].
    """

    hit_rate: float | None
    hit_tokens: int
    read_bytes: float
    loading_s: float
    written_bytes: float


@dataclass(frozen=True, slots=True)
class PoolUse:
    """Use of one pool; None where nothing was measured.

    Attributes
    ----------
    utilisation
        Share of replica time with a step running, that of replicas which end what they have with it.
    prefill_share
        Share of the busy time that prompts took; a step with decodes too is shared by its tokens.
    mean_batch
        Sequences per step, weighted by step duration.
    mean_kv_use, peak_kv_use
        Blocks in use over blocks there are, mean over busy time and highest window.
    mean_waiting, peak_waiting
        Requests in the pool's line, that of all its replicas together and in front of it (`results.waiting`),
        mean over time and highest window.
    bottlenecks
        Share of busy time bound by each of ``BOUNDS``.
    busy_share
        Replicas with a step running, on average, over those there were at first.
    on_share
        Machines that were on, on average, over those there were at first; 1 where none came or went.
    owned_share
        Machines that there must be in any state, for the most that may be on, over those there were at first.
    prefix_hit_rate
        Prompt tokens found in the prefix cache over prompt tokens looked up, behind the warm-up.
    """

    name: str
    steps: int
    prefill_tokens: int
    decode_tokens: int
    utilisation: float | None
    prefill_share: float | None
    mean_batch: float | None
    mean_kv_use: float | None
    peak_kv_use: float | None
    mean_waiting: float | None
    peak_waiting: float | None
    bottlenecks: dict[str, float]
    prefix_hit_rate: float | None
    preemptions: int
    kv_tiers: dict[str, TierUse] = field(default_factory=dict)
    busy_share: float | None = None
    on_share: float = 1.0
    owned_share: float = 1.0
    fleet: FleetUse | None = None


def measured_windows(windows: StepWindows, warmup_ns: int) -> slice:
    """The windows that begin at or after the end of the warm-up."""
    return slice(-(-warmup_ns // windows.width_ns), None)


def measured_span_ns(windows: StepWindows, warmup_ns: int, end_ns: int) -> int:
    """Time covered by the measured windows up to the end of the run [ns]."""
    start = -(-warmup_ns // windows.width_ns) * windows.width_ns
    return max(end_ns - start, 0)


def use_of_pool(line: PoolLine, warmup_ns: int, end_ns: int) -> PoolUse:
    """Use of the pool of a line over the measured time."""
    pool = line.pool
    windows = pool.windows
    part = measured_windows(windows, warmup_ns)
    busy = int(windows.busy_ns[part].sum())
    span_ns = measured_span_ns(windows, warmup_ns, end_ns)
    replica_ns = mean_computing(pool, warmup_ns, end_ns) * span_ns
    # A step counts in the window in which it ends, so one that straddles the start of the measured time can
    # add a little more than there is.
    busy_in_span = min(busy, replica_ns)
    capacity = pool.kv_blocks_per_replica
    kv_per_window = _ratio_per_window(windows.kv_blocks_ns[part], windows.busy_ns[part])
    waiting = line.from_windows(np.arange(len(windows.steps)))[part]
    return PoolUse(
        name=pool.name,
        steps=int(windows.steps[part].sum()),
        prefill_tokens=int(windows.prefill_tokens[part].sum()),
        decode_tokens=int(windows.decode_tokens[part].sum()),
        utilisation=_ratio(busy_in_span, replica_ns),
        prefill_share=_ratio(windows.prefill_ns[part].sum(), busy),
        mean_batch=_ratio(windows.batch_ns[part].sum(), busy),
        mean_kv_use=_ratio(windows.kv_blocks_ns[part].sum(), busy * capacity),
        peak_kv_use=float(kv_per_window.max() / capacity) if len(kv_per_window) and capacity else None,
        mean_waiting=line.mean(part, end_ns - span_ns, end_ns),
        peak_waiting=float(waiting.max()) if len(waiting) else None,
        bottlenecks=bottleneck_shares(windows, part),
        prefix_hit_rate=_ratio(pool.prefix_hit_tokens, pool.prefix_queried_tokens),
        preemptions=pool.preemptions,
        kv_tiers={tier.name: use_of_tier(tier) for tier in pool.kv_tiers},
        busy_share=_ratio(busy_in_span, pool.replicas * span_ns),
        on_share=mean_on(pool, warmup_ns, end_ns) / pool.replicas,
        owned_share=mean_owned(pool, warmup_ns, end_ns) / pool.replicas,
        fleet=None if pool.fleet is None else use_of_fleet(pool.fleet, warmup_ns, end_ns),
    )


def use_of_tier(tier: KvTierRecording) -> TierUse:
    """Use of one tier behind the KV caches of a pool."""
    hit_rate = _ratio(tier.hit_tokens, tier.looked_up_tokens)
    return TierUse(hit_rate, tier.hit_tokens, tier.read_bytes, tier.loading_ns / 1e9, tier.written_bytes)


def bottleneck_shares(windows: StepWindows, part: slice) -> dict[str, float]:
    """Share of busy time bound by each of ``BOUNDS``; empty where nothing ran."""
    by_bound = windows.bound_ns[part].sum(axis=0)
    total = float(by_bound.sum())
    if total == 0.0 or not math.isfinite(total):
        return {}
    return {name: float(ns / total) for name, ns in zip(BOUNDS, by_bound, strict=True)}


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None


def _ratio_per_window(part: Floats, whole: Ints) -> Floats:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
