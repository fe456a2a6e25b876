"""Requests that wait, whoever holds them: a gateway, a line, a replica, a link.

A request waits from its arrival until a step first takes it in, or until it ends without, and again while its
KV cache waits for room on the decode side and while it travels. What it waits for before it is let through
(the gateway's limits, earlier attempts of its client) and what it spends on links belongs to nobody's queue;
the rest is the *line* of a pool: for a replica of it to come into service, for a seat and cache in one, for
room on the decode side. A line is known from the times of the requests, so the time in which no step runs
counts like any other, and by Little's law the mean line is the sum of the time in it over the time.

Steps know of two more kinds: who was preempted waits again, and what has come to a decode replica may wait
for a seat there. Their counts (`waiting_from`) are added where a pool is a decode pool; where requests were
preempted, or had not ended when the run did, whichever is more counts, as one is part of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.results.fleet import computing_between
from simulator.results.recording import NEVER, WAIT_CAUSES, Floats, Ints, PoolRecording, Recording
from simulator.results.wait_log import DECODE_ROOM, EARLIER_ATTEMPTS, GATEWAY, LINK

Bools = NDArray[np.bool_]


class Spans:
    """Times from one moment to another [ns], and how many of them go on at a time."""

    def __init__(self, begin_ns: Ints, end_ns: Ints) -> None:
        lasts = end_ns > begin_ns  # most requests wait for most things for no time
        self._begin, self._begun = _summed(begin_ns[lasts])
        self._end, self._ended = _summed(end_ns[lasts])

    def total_until(self, times_ns: Floats) -> Floats:
        """How long all of them have lasted by each of these times, together [ns]."""
        return _lasted(self._begin, self._begun, times_ns) - _lasted(self._end, self._ended, times_ns)

    def means(self, edges_ns: Floats) -> Floats:
        """How many there are on average from each edge to the next."""
        found: Floats = np.diff(self.total_until(edges_ns)) / np.diff(edges_ns)
        return np.maximum(found, 0.0)  # rounding


def _summed(times_ns: Ints) -> tuple[Floats, Floats]:
    in_order = np.sort(times_ns).astype(np.float64)
    return in_order, np.concatenate(([0.0], np.cumsum(in_order)))


def _lasted(moments: Floats, sums: Floats, times_ns: Floats) -> Floats:
    past = np.searchsorted(moments, times_ns, side="right")
    return np.asarray(past * times_ns - sums[past])


#: What becomes of what requests say of a line and what steps say of it.
Combined = Callable[[Floats, Floats], Floats]


@dataclass(frozen=True, slots=True)
class PoolLine:
    """Requests waiting for one pool: ``spans`` of time, and how the counts of its steps come in."""

    pool: PoolRecording
    spans: Spans
    combined: Combined

    def from_windows(self, first: Ints) -> Floats:
        """Mean number from each of these windows of the pool to before the next; the last counts in full."""
        if not len(first):
            return np.zeros(0)
        edges_ns = np.append(first, len(self.pool.windows.steps)) * float(self.pool.windows.width_ns)
        return self.combined(self.spans.means(edges_ns), waiting_from(self.pool, first))

    def between(self, edges_ns: Floats) -> Floats:
        """Mean number from each edge to the next, edges no further apart than the pool's windows."""
        counted = np.zeros(len(edges_ns) - 1)
        by_window = waiting_per_window(self.pool)
        window = ((edges_ns[1:] + edges_ns[:-1]) / 2 // self.pool.windows.width_ns).astype(np.int64)
        inside = window < len(by_window)
        counted[inside] = by_window[window[inside]]
        return self.combined(self.spans.means(edges_ns), counted)

    def mean(self, part: slice, begin_ns: int, end_ns: int) -> float | None:
        """Mean number between two times, which the windows of ``part`` cover; None where there is no time."""
        if end_ns <= begin_ns:
            return None
        counted = self.pool.windows.waiting_ns[part].sum() / (end_ns - begin_ns)
        held = self.spans.means(np.array([begin_ns, end_ns], dtype=np.float64))
        return float(self.combined(held, np.array([counted]))[0])


@dataclass(frozen=True, slots=True)
class Waiting:
    """All that wait: the lines of the pools, in their order, and the others by what they wait for."""

    lines: tuple[PoolLine, ...]
    elsewhere: dict[str, Spans]

    def between(self, edges_ns: Floats) -> dict[str, Floats]:
        """Mean number from each edge to the next, by where they are, in words."""
        return self._placed([line.between(edges_ns) for line in self.lines], edges_ns)

    def between_close(self, edges_ns: Floats) -> dict[str, Floats]:
        """The same where edges are much closer than windows: what the times of the requests tell.

        Who waits again after a preemption, or for a seat on the decode side, is left out.
        """
        return self._placed([line.spans.means(edges_ns) for line in self.lines], edges_ns)

    def _placed(self, lines: Sequence[Floats], edges_ns: Floats) -> dict[str, Floats]:
        names = [f"in the line of pool {line.pool.name!r}" for line in self.lines]
        rest = {WHERE[cause]: spans.means(edges_ns) for cause, spans in self.elsewhere.items()}
        return {**dict(zip(names, lines, strict=True)), **rest}

    def elsewhere_means(self, begin_ns: int, end_ns: int) -> dict[str, float]:
        """Mean number between two times of those in no pool's line, by what they wait for, if any do."""
        if end_ns <= begin_ns:
            return {}
        edges_ns = np.array([begin_ns, end_ns], dtype=np.float64)
        means = {cause: float(spans.means(edges_ns)[0]) for cause, spans in self.elsewhere.items()}
        return {cause: mean for cause, mean in means.items() if mean > 0}


#: Where those are who are in no pool's line, by what they wait for.
WHERE = {
    "gateway": "at the gateway, for its limits",
    "earlier attempts": "in earlier attempts, and with clients between them",
    "no replica": "for a replica to come into service",
    "decode room": "for room on the decode side",
    "link": "on the links that carry KV caches",
}


def waiting_of(recording: Recording) -> Waiting:
    """Who waits for what, from the times of requests and what they spent outside replicas."""
    requests, waits = recording.requests, recording.waits
    row = wait_rows(recording)
    never_began = requests.first_scheduled_ns == NEVER
    begun = np.where(never_began, requests.finish_ns, requests.first_scheduled_ns)
    sent, joined = joined_ns(recording, row, begun)
    entry, _ = entry_replicas(recording, row)
    decodes = _decode_pools(recording, row, entry)

    # What is before the first step is told above; the rest is told by the waits themselves.
    began = of_wait(begun, row)
    after, since = waits.end_ns > began, np.maximum(waits.begin_ns, began)
    target = of_wait(requests.pool, row)
    for_pool = after & (waits.cause == DECODE_ROOM) & np.isin(target, decodes)

    def later(which: Bools) -> tuple[Ints, Ints]:
        return since[which], waits.end_ns[which]

    def line(number: int, pool: PoolRecording) -> PoolLine:
        mine = entry == number
        if number in decodes or not mine.any():
            return PoolLine(pool, Spans(*later(for_pool & (target == number))), np.add)
        exact = not requests.preemptions[mine].any() and not recording.unfinished
        return PoolLine(pool, Spans(joined[mine], begun[mine]), _of_requests if exact else np.maximum)

    nowhere = entry == NEVER
    before = {
        "gateway": (sent, joined),
        "earlier attempts": (requests.arrival_ns, sent),
        "no replica": (joined[nowhere], begun[nowhere]),
    }
    nothing = (np.zeros(0, dtype=np.int64),) * 2
    elsewhere = {}
    for code, cause in enumerate(WAIT_CAUSES):
        rest = later(after & (waits.cause == code) & ~for_pool)
        begins, ends = zip(before.get(cause, nothing), rest, strict=True)
        elsewhere[cause] = Spans(np.concatenate(begins), np.concatenate(ends))
    return Waiting(tuple(line(number, pool) for number, pool in enumerate(recording.pools)), elsewhere)


def joined_ns(recording: Recording, row: Ints, begun_ns: Ints) -> tuple[Ints, Ints]:
    """When each request was sent for the last time, and when it was let through then [ns].

    Parameters
    ----------
    row
        The request of each wait, as a row of the recording's; ``NEVER`` where it has not ended.
    begun_ns
        When a step first took each request in, or when it ended without.
    """
    waits = recording.waits
    before = waits.end_ns <= of_wait(begun_ns, row)
    sent = recording.requests.arrival_ns.copy()
    again = before & (waits.cause == EARLIER_ATTEMPTS)
    np.maximum.at(sent, row[again], waits.end_ns[again])
    joined = sent.copy()
    held = before & (waits.cause == GATEWAY) & (waits.begin_ns >= of_wait(sent, row))
    np.maximum.at(joined, row[held], waits.end_ns[held])
    return sent, joined


def entry_replicas(recording: Recording, row: Ints) -> tuple[Ints, Ints]:
    """Pool and replica of each request's first step: of one that was handed over those of its prompt."""
    requests, waits = recording.requests, recording.waits
    pools, replicas = requests.pool.copy(), requests.replica.copy()
    handed_over = (row != NEVER) & np.isin(waits.cause, (DECODE_ROOM, LINK))
    pools[row[handed_over]] = waits.pool[handed_over]
    replicas[row[handed_over]] = waits.replica[handed_over]
    if len(recording.pools) == 1:
        pools[pools == NEVER] = 0
    return pools, replicas


def wait_rows(recording: Recording) -> Ints:
    """The row of each wait's request, ``NEVER`` where that has not ended."""
    numbers, wanted = recording.requests.request, recording.waits.request
    if not len(numbers) or not len(wanted):
        return np.full(len(wanted), NEVER, dtype=np.int64)
    order = np.argsort(numbers, kind="stable")
    rows = order[np.minimum(np.searchsorted(numbers[order], wanted), len(numbers) - 1)]
    return np.where(numbers[rows] == wanted, rows, NEVER)


def _decode_pools(recording: Recording, row: Ints, entry: Ints) -> Ints:
    """The pools that KV caches were sent to."""
    landed = row[(row != NEVER) & (recording.waits.cause == LINK)]
    return np.setdiff1d(recording.requests.pool[landed], entry)


def of_wait(column: Ints, row: Ints) -> Ints:
    """A column of the requests for each wait; ``NEVER`` where its request has not ended."""
    return np.append(column, NEVER)[row]


def _of_requests(held: Floats, counted: Floats) -> Floats:
    return held


def waiting_per_window(pool: PoolRecording) -> Floats:
    """Mean number of requests that steps left waiting at all replicas, per window."""
    return waiting_from(pool, np.arange(len(pool.windows.steps)))


def waiting_from(pool: PoolRecording, first: Ints) -> Floats:
    """The same from each of these windows to before the next.

    A step belongs to the window it ends in, so the steps of a window can span more time than the window; then
    their time, on the replicas that there are by then, is what the sum is divided by. The last window counts
    in full although the run may end within it: a sliver of a window would make a long step look like a crowd.
    """
    windows = pool.windows
    edges_ns = np.append(first, len(windows.steps)) * float(windows.width_ns)
    waiting_ns, busy_ns = np.add.reduceat(windows.waiting_ns, first), np.add.reduceat(windows.busy_ns, first)
    span_ns = np.diff(edges_ns)
    computing = computing_between(pool, edges_ns)
    steps_ns = np.divide(busy_ns, computing, out=np.zeros(len(first)), where=computing > 0)
    return np.asarray(waiting_ns / np.maximum(span_ns, steps_ns))
