"""Did the queue grow without bound, and what rate did the system sustain?

A finite run cannot prove instability, so this is a rule with thresholds. It looks at the requests waiting,
whoever holds them (`results.waiting`: replicas, the gateway, links, ...), while requests still arrived (the
draining afterwards is left out), after the warm-up, as means over at least ``LEAST_SAMPLES`` and about
``SAMPLES`` intervals of equal length, and calls a run overloaded when all of these hold:

1. *More arrived than left.* The queue at the end of the arrivals exceeds both 1 % of the arrivals
   (``LEAST_BACKLOG``) and three standard deviations of a Poisson count of them (``3 * sqrt(n)``): a queue
   that long is neither noise nor the normal stock of a busy system.
2. *It grew all along.* The mean queue rises from each quarter of the time to the next, the last rise being
   at least half the mean rise (``LEAST_LAST_RISE``): a queue that fills up and then levels off (a closed
   loop, a start-up transient) is not growing without bound.
3. *It grew roughly linearly.* A straight line explains at least 80 % of the variance (``LEAST_R2``) of the
   queue or of all requests in the system, running ones included: excursions of a stable queue near
   saturation wander instead. In a run that is short beside its requests seats fill before a queue forms and
   single steps make it ragged, so that the queue alone bends while the requests in the system grow straight;
   those alone would not do, as they grow in any start-up.

How sharp the rule is, on a single server with 1,500 requests: at 1.2 times its capacity it finds every
Poisson overload and 60 % of those with bursty arrivals (coefficient of variation 3), at 1.1 times two thirds
and a third; up to 0.95 of the capacity it raised no false alarm for either (30 seeds each).

The sustained rate is the rate of completions in the second half of that time: with a queue that never empties
the system works at capacity, so this is the request rate from which on its queue grows. Where requests last
about as long as that time, few end in it; then the rate of the whole run, the draining included, is higher
and taken instead. But what ends while others come need not be what came: where only some requests wait for
something (later turns of conversations for their KV cache from a slow tier), the others pass them by, and the
rest is what is left. So the rate is at most that from the same middle until nine tenths of those left had
ended.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator.results.latencies import is_finished
from simulator.results.recording import Floats, Recording
from simulator.results.waiting import Waiting

LEAST_SAMPLES = 8
#: A window can be as short as a step, and then a queue looks ragged in it; in longer intervals it does not.
SAMPLES = 40
LEAST_BACKLOG = 0.01
LEAST_LAST_RISE = 0.5
LEAST_R2 = 0.8
#: Of the requests left when the last has come, the share that the sustained rate is measured with: the last
#: of them run alone or nearly so, and their time says nothing of a system at work.
WORKED_OFF = 0.9


@dataclass(frozen=True, slots=True)
class Load:
    """Offered and served load while requests arrived.

    Attributes
    ----------
    arrival_rate
        Requests that arrived per second [1/s], None where fewer than two arrived.
    overloaded
        True where the queue grew without bound by the rule above.
    backlog
        Requests waiting when the arrivals ended.
    sustained_rate
        Finished requests per second [1/s] from which on the queue grows; None unless overloaded.
    where
        Where most of the backlog waited, in words; None unless overloaded.
    """

    arrival_rate: float | None
    overloaded: bool
    backlog: float
    sustained_rate: float | None
    where: str | None = None


def load_of(recording: Recording, waiting: Waiting, warmup_ns: int) -> Load:
    """Judges the load of a run."""
    last_ns = _end_of_arrivals(recording, warmup_ns)
    arrived = _arrivals(recording, warmup_ns)
    rate = arrived / ((last_ns - warmup_ns) / 1e9) if arrived > 1 and last_ns > warmup_ns else None
    end_ns = _end_of_load(recording, warmup_ns)
    times, queues = waiting_series(recording, waiting, warmup_ns, end_ns)
    queue = np.sum(list(queues.values()), axis=0)
    present = _present(recording, times)
    if len(times) < LEAST_SAMPLES or not grows_without_bound(times, queue, present, arrived):
        return Load(rate, False, float(queue[-1]) if len(queue) else 0.0, None)
    where = max(queues, key=lambda name: _level_at_end(queues[name]))
    return Load(rate, True, _level_at_end(queue), _served_rate(recording, warmup_ns, end_ns), where)


def grows_without_bound(times: Floats, waiting: Floats, present: Floats, arrived: int) -> bool:
    """The rule of this module over mean queues and requests in the system, shape (samples,) each."""
    if _level_at_end(waiting) < max(LEAST_BACKLOG * arrived, 3 * math.sqrt(arrived)):
        return False
    quarters = np.array([part.mean() for part in np.array_split(waiting, 4)])
    rises = np.diff(quarters)
    if (rises <= 0).any() or rises[-1] < LEAST_LAST_RISE * rises.mean():
        return False
    return max(_straightness(times, waiting), _straightness(times, present)) >= LEAST_R2


def _straightness(times: Floats, level: Floats) -> float:
    """Share of the variance that a rising line explains; 0 where there is none."""
    if level.min() == level.max():
        return 0.0
    return max(float(np.corrcoef(times, level)[0, 1]), 0.0) ** 2


def _present(recording: Recording, times: Floats) -> Floats:
    """Recorded requests in the system at times [s]; those cut off by the end of the run are not known."""
    at_ns, requests = times * 1e9, recording.requests
    came = np.searchsorted(np.sort(requests.arrival_ns), at_ns, side="right")
    left = np.searchsorted(np.sort(requests.finish_ns), at_ns, side="right")
    return (came - left).astype(np.float64)


def waiting_series(
    recording: Recording, waiting: Waiting, warmup_ns: int, end_ns: int
) -> tuple[Floats, dict[str, Floats]]:
    """Middle of each interval between warm-up and end [s], and the mean queues in it by where they are.

    An interval is a whole number of windows; what is left over at the end is dropped. Where a drain that is
    long beside the arrivals has made windows too wide for that, the time between is cut into equal parts:
    who waits is known from the requests themselves.
    """
    width = min((pool.windows.width_ns for pool in recording.pools), default=0)
    if not width or end_ns <= warmup_ns:
        return np.zeros(0), {"nowhere": np.zeros(0)}
    edges_ns = np.arange(-(-warmup_ns // width), end_ns // width + 1, dtype=np.float64) * width
    if len(edges_ns) > LEAST_SAMPLES:
        held = waiting.between(edges_ns)
    else:
        edges_ns = np.linspace(warmup_ns, end_ns, SAMPLES + 1)
        held = waiting.between_close(edges_ns)
    queues = {name: _means(queue) for name, queue in held.items()}
    return _means((edges_ns[1:] + edges_ns[:-1]) / 2e9), queues


def _means(windows: Floats) -> Floats:
    """Means over about ``SAMPLES`` groups of neighbours, of one window each where there are few."""
    per_sample = max(len(windows) // SAMPLES, 1)
    whole = len(windows) // per_sample * per_sample
    means: Floats = windows[:whole].reshape(-1, per_sample).mean(axis=1)
    return means


def _end_of_arrivals(recording: Recording, warmup_ns: int) -> int:
    """Last known arrival [ns]; the end of the run where requests were cut off, for they came until then."""
    if recording.unfinished:
        return recording.end_ns
    return int(recording.requests.arrival_ns.max(initial=warmup_ns))


def _end_of_load(recording: Recording, warmup_ns: int) -> int:
    """When the last request or task came from outside [ns]: what a task asks for later is draining."""
    if recording.tasks is None or recording.unfinished:
        return _end_of_arrivals(recording, warmup_ns)
    return int(recording.tasks.columns.arrival_ns.max(initial=warmup_ns))


def _arrivals(recording: Recording, warmup_ns: int) -> int:
    return int((recording.requests.arrival_ns >= warmup_ns).sum()) + recording.unfinished


def _level_at_end(waiting: Floats) -> float:
    """Mean queue in the last twentieth of the samples, at least one."""
    return float(waiting[-max(len(waiting) // 20, 1) :].mean())


def _served_rate(recording: Recording, warmup_ns: int, end_ns: int) -> float:
    half_ns = (warmup_ns + end_ns) // 2
    spans = ((half_ns, end_ns), (warmup_ns, recording.end_ns))
    while_they_came = max(_rate_of_completions(recording, *span) for span in spans)
    return min(while_they_came, _rate_of_completions(recording, half_ns, _worked_off_ns(recording, end_ns)))


def _worked_off_ns(recording: Recording, end_ns: int) -> int:
    """When ``WORKED_OFF`` of the requests left at the end of the arrivals had ended [ns]."""
    finish_ns = recording.requests.finish_ns
    left = np.sort(finish_ns[finish_ns > end_ns])
    return int(left[math.ceil(WORKED_OFF * len(left)) - 1]) if len(left) else end_ns


def _rate_of_completions(recording: Recording, start_ns: int, end_ns: int) -> float:
    requests = recording.requests
    served = is_finished(requests) & (requests.finish_ns > start_ns) & (requests.finish_ns <= end_ns)
    return float(served.sum() / ((end_ns - start_ns) / 1e9))
