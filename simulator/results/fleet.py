"""The machines of a pool over the measured time: how many were on, served and were down.

All means are weighted by time. *Availability* is the share of machine time that was not lost to failures:
1 - time down / (slots * time). Rent, idle draw and emissions follow the machines that were on; what is
owned is paid for in any state. Steps run on replicas in service and on those that leave, until these have
ended what they had: both together are the ones that *compute*.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.results.recording import FleetRecording, Floats, Ints, PoolRecording


@dataclass(frozen=True, slots=True)
class FleetUse:
    """Machines of one pool.

    Attributes
    ----------
    mean_on, mean_serving
        Machines that were on, and replicas in service.
    most_serving, fewest_serving
        Replicas in service at any time.
    availability
        Share of machine time that was not lost to failures; ``served`` the share of time in which at least
        one replica was in service.
    starts, stops
        Of replicas by an autoscaler, over the whole run.
    failures, lost_requests, lost_kv_tokens
        Machines that failed under their work, the requests that were with them, and the tokens of KV cache
        that those held, over the whole run.
    """

    slots: int
    mean_on: float
    mean_serving: float
    most_serving: int
    fewest_serving: int
    availability: float
    served: float
    starts: int
    stops: int
    failures: int
    lost_requests: int
    lost_kv_tokens: int


def use_of_fleet(fleet: FleetRecording, warmup_ns: int, end_ns: int) -> FleetUse:
    """Use of the machines of one pool between the end of the warm-up and the end."""
    lasted, part = _lasted(fleet, warmup_ns, end_ns)
    serving = fleet.serving[part]
    return FleetUse(
        slots=fleet.slots,
        mean_on=_mean(fleet.on[part], lasted),
        mean_serving=_mean(serving, lasted),
        most_serving=int(serving.max()),
        fewest_serving=int(serving.min()),
        availability=1.0 - _mean(fleet.down[part], lasted) / fleet.slots,
        served=_mean((serving > 0).astype(np.int64), lasted),
        starts=fleet.starts,
        stops=fleet.stops,
        failures=fleet.failures,
        lost_requests=fleet.lost_requests,
        lost_kv_tokens=fleet.lost_kv_tokens,
    )


def mean_on(pool: PoolRecording, warmup_ns: int, end_ns: int) -> float:
    """Machines of a pool that were on, on average: all of them where none ever came or went."""
    if pool.fleet is None:
        return float(pool.replicas)
    lasted, part = _lasted(pool.fleet, warmup_ns, end_ns)
    return _mean(pool.fleet.on[part], lasted)


def mean_owned(pool: PoolRecording, warmup_ns: int, end_ns: int) -> float:
    """Machines that a pool must have bought: all its slots, on or not, or those that came to its side."""
    if pool.fleet is None or pool.fleet.changes_sides:
        return mean_on(pool, warmup_ns, end_ns)
    return float(pool.fleet.slots)


def mean_computing(pool: PoolRecording, warmup_ns: int, end_ns: int) -> float:
    """Replicas of a pool that can have a step, on average: all of them where none ever came or went."""
    if pool.fleet is None:
        return float(pool.replicas)
    lasted, part = _lasted(pool.fleet, warmup_ns, end_ns)
    return _mean(_computing(pool.fleet)[part], lasted)


def serving_between(pool: PoolRecording, edges_ns: Floats) -> Floats:
    """Replicas in service, on average between one time and the next [ns], shape (len(edges_ns) - 1,)."""
    counts = None if pool.fleet is None else pool.fleet.serving
    return _between(pool, counts, edges_ns)


def computing_between(pool: PoolRecording, edges_ns: Floats) -> Floats:
    """Replicas that can have a step, on average between one time and the next [ns], as `serving_between`."""
    counts = None if pool.fleet is None else _computing(pool.fleet)
    return _between(pool, counts, edges_ns)


def on_between(pool: PoolRecording, edges_ns: Floats) -> Floats:
    """Machines that were on, on average between one time and the next [ns], shape (len(edges_ns) - 1,)."""
    counts = None if pool.fleet is None else pool.fleet.on
    return _between(pool, counts, edges_ns)


def _computing(fleet: FleetRecording) -> Ints:
    """Replicas that serve or end what they have; those in service where these were not told apart."""
    return fleet.serving if fleet.computing is None else fleet.computing


def _between(pool: PoolRecording, counts: Ints | None, edges_ns: Floats) -> Floats:
    """Mean of a count of the fleet between times; all replicas where none ever came or went."""
    if pool.fleet is None or counts is None:
        return np.full(max(len(edges_ns) - 1, 0), float(pool.replicas))
    times, held = pool.fleet.time_ns.astype(np.float64), counts.astype(np.float64)
    sums = np.concatenate(([0.0], np.cumsum(np.diff(times) * held[:-1])))
    position = np.searchsorted(times, edges_ns, side="right") - 1
    upto = sums[position] + (edges_ns - times[position]) * held[position]
    return np.asarray(np.diff(upto) / np.diff(edges_ns))


def _lasted(fleet: FleetRecording, warmup_ns: int, end_ns: int) -> tuple[Ints, slice]:
    """How long each count held within the measured time [ns], and which of them did at all."""
    end_ns = max(end_ns, warmup_ns + 1)
    first = max(int(np.searchsorted(fleet.time_ns, warmup_ns, side="right")) - 1, 0)
    last = max(int(np.searchsorted(fleet.time_ns, end_ns, side="left")), first + 1)
    times = np.append(fleet.time_ns[first:last], end_ns)
    times[0] = warmup_ns
    return np.diff(times), slice(first, last)


def _mean(counts: Ints, lasted: Ints | Floats) -> float:
    return float((counts * lasted).sum() / lasted.sum())
