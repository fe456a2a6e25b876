"""Where the time of requests goes: queue, compute, bandwidth, cache, network, host; per phase and over time.

Every engine step is bound by something (`latency.pricer.BOUNDS`), and while requests wait in a replica there
is a reason why the next was not admitted (`why.curves`). What keeps them outside replicas is recorded
(`why.outside`). A request's time is divided by phase:

queue     from arrival to the first step with it
prefill   from there to the first token
decode    from there to the last token

Queue and prefill are those of the replica that computed the prompt. Where another one makes the output, the
decode phase holds the wait for room there, the links (they count as network), the wait for a seat, and then
as many steps as there are tokens. What none of this covers is left as ``other``: idle time, the way through
the serving program, steps on a replica that was lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from simulator.latency.pricer import BOUNDS
from simulator.planning.why.curves import WAITS, Curve, curves_of
from simulator.planning.why.outside import Outside, outside_of
from simulator.results.latencies import is_finished
from simulator.results.recording import NEVER, WAIT_CAUSES, Floats, Ints
from simulator.results.result import Result
from simulator.results.waiting import entry_replicas, wait_rows
from simulator.simulation.pools import PreparedPool

#: Bounds and what keeps requests outside replicas, in the words of a planner.
NAMES = {"memory": "bandwidth", "gateway": "admission", "link": "network"}
PHASES = ("queue", "prefill", "decode")
QUEUE, PREFILL, DECODE = range(len(PHASES))
OTHER = "other"
#: Intervals of the picture over time.
INTERVALS = 24


@dataclass(frozen=True, slots=True)
class Attribution:
    """Time by phase and cause.

    Attributes
    ----------
    causes
        Names of the columns.
    seconds
        Of every finished request, by phase and cause [s], shape (requests, phases, causes).
    rows
        Rows of those requests in the recording, shape (requests,).
    arrival_s
        When they arrived [s], shape (requests,).
    """

    causes: tuple[str, ...]
    seconds: Floats
    rows: Ints
    arrival_s: Floats

    def shares(self) -> dict[str, dict[str, float]]:
        """Share of all request time by phase and cause; causes without time left out."""
        total = float(self.seconds.sum()) or 1.0
        summed = self.seconds.sum(axis=0) / total
        return {
            phase: {
                cause: float(summed[row, column])
                for column, cause in enumerate(self.causes)
                if summed[row, column] > 0
            }
            for row, phase in enumerate(PHASES)
        }

    def over_time(self, intervals: int = INTERVALS) -> list[dict[str, float]]:
        """Mean seconds per request and cause in equal intervals of arrival; empty intervals left out."""
        if not len(self.arrival_s):
            return []
        edges = np.linspace(self.arrival_s.min(), self.arrival_s.max(), intervals + 1)
        place = np.clip(np.searchsorted(edges, self.arrival_s, side="right") - 1, 0, intervals - 1)
        by_cause = self.seconds.sum(axis=1)
        found = []
        for index in range(intervals):
            inside = place == index
            if inside.any():
                means = by_cause[inside].mean(axis=0)
                causes = dict(zip(self.causes, map(float, means), strict=True))
                found.append({"from_s": float(edges[index]), "requests": float(inside.sum()), **causes})
        return found


def attribute(result: Result, pools: Sequence[PreparedPool]) -> Attribution:
    """Where the time of a result's finished requests went.

    Parameters
    ----------
    result
        A run with ``record: steps``.
    pools
        Its pools, prepared: their pricers say what bound a step.
    """
    recording = result.recording
    requests = recording.requests
    measured = requests.arrival_ns >= result.context.warmup_ns
    rows = np.flatnonzero(is_finished(requests) & measured & (requests.first_scheduled_ns != NEVER))
    edges = np.stack(
        [
            column[rows]
            for column in (
                requests.arrival_ns,
                requests.first_scheduled_ns,
                requests.first_token_ns,
                requests.finish_ns,
            )
        ],
        axis=1,
    )
    outside = outside_of(recording, rows, edges)
    curves = [curves_of(recording, index, pool) for index, pool in enumerate(pools)]
    bounds = np.zeros((len(rows), len(PHASES), len(BOUNDS)))
    waits = np.zeros((len(rows), len(PHASES), len(WAITS)))
    entry = entry_replicas(recording, wait_rows(recording))
    for mine, curve in _by_replica(curves, entry[0][rows], entry[1][rows]):
        waits[mine, QUEUE] = curve.waits(outside.over_ns[mine, QUEUE], edges[mine, PREFILL])
        bounds[mine, PREFILL] = curve.bounds(edges[mine, PREFILL], edges[mine, DECODE])
    for mine, curve in _by_replica(curves, requests.pool[rows], requests.replica[rows]):
        came = outside.over_ns[mine, DECODE]
        steps = requests.output_tokens[rows[mine]] - 1
        began = np.maximum(curve.start_of_last(edges[mine, -1], steps), came)
        began = np.where(outside.handed_over[mine], began, edges[mine, DECODE])
        waits[mine, DECODE] = curve.waits(np.minimum(came, began), began)
        bounds[mine, DECODE] = curve.bounds(began, edges[mine, -1])
    seconds, causes = _together(outside, bounds, waits, np.diff(edges, axis=1))
    return Attribution(causes, seconds / 1e9, rows, requests.arrival_ns[rows] / 1e9)


def _by_replica(
    curves: Sequence[dict[int, Curve]], pools: Ints, replicas: Ints
) -> Iterator[tuple[Ints, Curve]]:
    """The requests of each replica, and its curve."""
    for pool, of_pool in enumerate(curves):
        for replica, curve in of_pool.items():
            yield np.flatnonzero((pools == pool) & (replicas == replica)), curve


def _together(
    outside: Outside, bounds: Floats, waits: Floats, whole: Floats
) -> tuple[Floats, tuple[str, ...]]:
    """Time of each phase and cause [ns], shape (n, phases, causes), and the causes' names.

    Parameters
    ----------
    bounds, waits
        Of the steps, by phase: no more of them than a request was in the replica.
    whole
        Of the phases, shape (n, phases).
    """
    known = bounds.sum(axis=2) + waits.sum(axis=2)
    left = np.maximum(whole - outside.ns.sum(axis=2), 0.0)
    fits = np.divide(left, known, out=np.ones_like(known), where=known > left)[:, :, None]
    other = np.maximum(left - known, 0.0)[:, :, None]
    names = [NAMES.get(name, name) for name in (*BOUNDS, *WAITS, *WAIT_CAUSES, OTHER)]
    columns = np.concatenate([bounds * fits, waits * fits, outside.ns, other], axis=2)
    causes = tuple(dict.fromkeys(names))
    seconds = np.zeros((*columns.shape[:2], len(causes)))
    for column, name in enumerate(names):
        seconds[:, :, causes.index(name)] += columns[:, :, column]
    return seconds, causes
