"""Where the time of requests goes: queue, compute, bandwidth, cache, network, host; per phase and over time.

Every engine step is bound by something (`latency.pricer.BOUNDS`), and while requests wait there is a reason
why the next was not admitted: the cache has no room for it, all seats are taken, or the step's tokens went to
those before it. Summed up along a replica's steps these give curves, and a request's share of each is the
rise of the curve over the request's phase:

queue     from arrival to the first step with it
prefill   from there to the first token
decode    from there to the last token

What no step of the replica covers (a transfer of the cache, idle time) is left as ``other``. Of a split
cluster the prefill replica of a request is not recorded: its prefill is read from the mean of that pool.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.latency.pricer import BOUNDS, StepColumns
from simulator.results.latencies import is_finished
from simulator.results.recording import NEVER, Floats, Ints, RequestColumns, StepTable
from simulator.results.result import Result
from simulator.simulation.pools import PreparedPool

#: Why requests wait: no room in the cache, no seat, or tokens of the step that went to others.
WAITS = ("kv capacity", "seats", "step tokens")
#: A bound in the words of a planner.
NAMES = {"memory": "bandwidth"}
PHASES = ("queue", "prefill", "decode")
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
    causes = (*(NAMES.get(bound, bound) for bound in BOUNDS), *WAITS, OTHER)
    requests = result.recording.requests
    measured = requests.arrival_ns >= result.context.warmup_ns
    rows = np.flatnonzero(is_finished(requests) & measured & (requests.first_scheduled_ns != NEVER))
    seconds = np.zeros((len(rows), len(PHASES), len(causes)))
    curves = [_curves(result, index, pool) for index, pool in enumerate(pools)]
    prompts = [index for index, pool in enumerate(pools) if pool.spec.role == "prefill"]
    for index in range(len(pools)):
        of_pool = requests.pool[rows] == index
        for replica in np.unique(requests.replica[rows][of_pool]).tolist():
            mine = np.flatnonzero(of_pool & (requests.replica[rows] == replica))
            own = curves[index].get(replica)
            first = _Mean([curve for one in prompts for curve in curves[one].values()]) if prompts else own
            if own is not None and first is not None:
                seconds[mine] = _phases(requests, rows[mine], first, own)
    return Attribution(causes, seconds / 1e9, rows, requests.arrival_ns[rows] / 1e9)


class _Curve:
    """Time along one replica's steps: by bound, and by why requests wait [ns]."""

    def __init__(self, start: Ints, duration: Ints, bound: Ints, wait: Ints) -> None:
        self._edges = np.stack([start, start + duration], axis=1).ravel()
        self._bounds = _steps_up(bound, duration, len(BOUNDS))
        self._waits = _steps_up(wait, duration, len(WAITS))

    def bounds(self, begin: Ints, end: Ints) -> Floats:
        """Time of each bound between two times [ns], shape (n, bounds)."""
        return self._rise(self._bounds, begin, end)

    def waits(self, begin: Ints, end: Ints) -> Floats:
        """Time of each reason to wait between two times [ns], shape (n, waits)."""
        return self._rise(self._waits, begin, end)

    def _rise(self, curves: Floats, begin: Ints, end: Ints) -> Floats:
        rises = [
            np.interp(end, self._edges, curve) - np.interp(begin, self._edges, curve) for curve in curves
        ]
        return np.stack(rises, axis=1)


class _Mean:
    """The mean of several replicas' curves."""

    def __init__(self, curves: Sequence[_Curve]) -> None:
        self._curves = curves

    def bounds(self, begin: Ints, end: Ints) -> Floats:
        """As `_Curve.bounds`."""
        found: Floats = np.mean([curve.bounds(begin, end) for curve in self._curves], axis=0)
        return found

    def waits(self, begin: Ints, end: Ints) -> Floats:
        """As `_Curve.waits`."""
        found: Floats = np.mean([curve.waits(begin, end) for curve in self._curves], axis=0)
        return found


def _steps_up(kind: Ints, duration: Ints, kinds: int) -> Floats:
    """Curves that rise along the steps of their kind, at the edges of all steps, shape (kinds, 2 * steps)."""
    rise = np.zeros((kinds, len(kind), 2))
    rise[kind, np.arange(len(kind)), 1] = duration
    curves: Floats = np.cumsum(rise.reshape(kinds, -1), axis=1)
    return curves


def _curves(result: Result, index: int, pool: PreparedPool) -> dict[int, _Curve]:
    recorded = result.recording.pools[index]
    table = recorded.step_table
    assert table is not None
    bound = pool.backend.pricer.costs(_columns(table)).bound.astype(np.int64)
    sequences = table.prefill_sequences + table.decode_sequences
    # No room for one more: a mean prompt would not find its blocks.
    needed = float(result.recording.requests.prompt_tokens.mean()) / recorded.block_size + 1
    full = table.kv_blocks + needed > recorded.kv_blocks_per_replica
    wait = np.where(full, 0, np.where(sequences >= pool.plan.settings.max_num_seqs, 1, 2))
    found = {}
    for replica in np.unique(table.replica).tolist():
        mine = table.replica == replica
        found[replica] = _Curve(table.start_ns[mine], table.duration_ns[mine], bound[mine], wait[mine])
    return found


def _columns(table: StepTable) -> StepColumns:
    return StepColumns(**{name: getattr(table, name) for name in StepColumns.__slots__})


def _phases(requests: RequestColumns, rows: Ints, first: _Curve | _Mean, own: _Curve) -> Floats:
    """Time of each phase and cause [ns], shape (n, phases, causes)."""
    arrival, scheduled = requests.arrival_ns[rows], requests.first_scheduled_ns[rows]
    token, finish = requests.first_token_ns[rows], requests.finish_ns[rows]
    nothing = np.zeros((len(rows), len(WAITS)))
    none = np.zeros((len(rows), len(BOUNDS)))
    parts = (
        (none, first.waits(arrival, scheduled), scheduled - arrival),
        (first.bounds(scheduled, token), nothing, token - scheduled),
        (own.bounds(token, finish), nothing, finish - token),
    )
    phases = []
    for bounds, waits, whole in parts:
        known = bounds.sum(axis=1) + waits.sum(axis=1)
        other = np.maximum(whole - known, 0.0)
        phases.append(np.concatenate([bounds, waits, other[:, None]], axis=1))
    return np.stack(phases, axis=1)
