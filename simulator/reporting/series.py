"""Columns thinned to what a figure can show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.latency.pricer import BOUNDS
from simulator.results.fleet import computing_between, serving_between
from simulator.results.latencies import latencies_of
from simulator.results.recording import NEVER, Floats, Ints
from simulator.results.result import Result
from simulator.results.slo import meets
from simulator.results.waiting import PoolLine

#: Points of a line, more than a screen resolves.
POINTS = 400
#: Points of a series over time; each is a mean over the windows that fall on it.
TIME_POINTS = 240
#: Points of a share over time: each needs enough requests to be one.
SHARE_POINTS = 48


@dataclass(frozen=True, slots=True)
class PoolSeries:
    """A pool over time; ``time_s`` [s] is the middle of each interval, all shapes (points,).

    Rates are per second of simulated time, means are over the busy time (batch, KV use) or all time
    (waiting). Intervals without a step have NaN for means over busy time. ``bounds`` maps each bound to its
    share of the busy time.
    """

    time_s: Floats
    prefill_tokens_per_s: Floats
    decode_tokens_per_s: Floats
    batch: Floats
    kv_use: Floats
    waiting: Floats
    utilisation: Floats
    serving: Floats
    bounds: dict[str, Floats]


def pool_series(line: PoolLine) -> PoolSeries:
    """The windows of a line's pool, added up to at most ``TIME_POINTS`` intervals."""
    pool = line.pool
    windows = pool.windows
    count = len(windows.steps)
    per_point = max(-(-count // TIME_POINTS), 1)
    starts = np.arange(0, count, per_point)

    def total(column: Floats) -> Floats:
        return np.add.reduceat(column.astype(float), starts) if count else np.zeros(0)

    # Whole windows, also the last one: see waiting.waiting_from.
    length_s = np.minimum(per_point, count - starts) * (windows.width_ns / 1e9)
    busy_ns = total(windows.busy_ns.astype(float))
    edges_ns = np.append(starts, count) * float(windows.width_ns)
    serving = serving_between(pool, edges_ns) if count else np.zeros(0)
    computing = computing_between(pool, edges_ns) if count else np.zeros(0)
    replica_ns = np.maximum(computing * length_s * 1e9, 1.0)
    return PoolSeries(
        time_s=starts * (windows.width_ns / 1e9) + length_s / 2,
        prefill_tokens_per_s=total(windows.prefill_tokens.astype(float)) / length_s,
        decode_tokens_per_s=total(windows.decode_tokens.astype(float)) / length_s,
        batch=_mean(total(windows.batch_ns), busy_ns),
        kv_use=_mean(total(windows.kv_blocks_ns), busy_ns * pool.kv_blocks_per_replica),
        waiting=line.from_windows(starts),
        utilisation=np.minimum(busy_ns / replica_ns, 1.0),
        serving=serving,
        bounds={name: _mean(total(windows.bound_ns[:, i]), busy_ns) for i, name in enumerate(BOUNDS)},
    )


def cumulative(values: Floats) -> tuple[Floats, Floats]:
    """Empirical distribution: values and the share [%] at or below each, shape (at most POINTS,)."""
    if len(values) == 0:
        return np.zeros(0), np.zeros(0)
    # The tail is what readers look for, so it gets points of its own.
    shares = np.unique(np.concatenate((np.linspace(0, 1, POINTS - 100), np.linspace(0.9, 1, 100))))
    return np.quantile(values, shares), shares * 100


def attainment_over_time(result: Result) -> tuple[Floats, Floats]:
    """Share [%] of requests within the objectives, by time of arrival [s]."""
    requests = result.recording.requests
    if len(requests.arrival_ns) == 0:
        return np.zeros(0), np.zeros(0)
    good = meets(requests, latencies_of(requests), result.context.slo)
    return _share_over_time(requests.arrival_ns, good.astype(np.float64), np.ones(len(good)))


def hits_over_time(result: Result) -> tuple[Floats, Floats]:
    """Share [%] of prompt tokens found in a prefix cache, by the time of first scheduling [s]."""
    requests = result.recording.requests
    began = requests.first_scheduled_ns != NEVER
    if not began.any():
        return np.zeros(0), np.zeros(0)
    cached = requests.cached_tokens[began].astype(np.float64)
    prompt = requests.prompt_tokens[began].astype(np.float64)
    return _share_over_time(requests.first_scheduled_ns[began], cached, prompt)


def _share_over_time(time_ns: Ints, part: Floats, whole: Floats) -> tuple[Floats, Floats]:
    """Share [%] that ``part`` is of ``whole`` in intervals of time, and their middles [s]."""
    width = max(int(time_ns.max()) // SHARE_POINTS + 1, 1)
    interval = time_ns // width
    summed = np.bincount(interval, weights=whole, minlength=SHARE_POINTS).astype(np.float64)
    counted = np.bincount(interval, weights=part, minlength=SHARE_POINTS).astype(np.float64)
    time_s = (np.arange(len(summed), dtype=np.float64) + 0.5) * (width / 1e9)
    return time_s, 100 * _mean(counted, summed)


def _mean(total: Floats, weight: Floats) -> Floats:
    mean: Floats = np.divide(total, weight, out=np.full(len(total), np.nan), where=weight > 0)
    return mean
