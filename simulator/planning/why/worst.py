"""The request that misses its objectives by most, moment by moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.planning.why.attribution import PHASES, Attribution
from simulator.results.context import Slo
from simulator.results.latencies import Latencies, latencies_of
from simulator.results.recording import WAIT_CAUSES, Floats, Recording
from simulator.results.result import Result
from simulator.results.waiting import entry_replicas, wait_rows


@dataclass(frozen=True, slots=True)
class WorstRequest:
    """One request's life.

    Attributes
    ----------
    events
        Time [s since arrival] and what happened then.
    causes
        Seconds by phase and cause.
    ahead
        Requests in the system when it arrived.
    """

    request: int
    arrival_s: float
    prompt_tokens: int
    output_tokens: int
    preemptions: int
    ahead: int
    ttft_ms: float
    tpot_ms: float | None
    e2e_ms: float
    events: tuple[tuple[float, str], ...]
    causes: dict[str, dict[str, float]]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


def worst_request(result: Result, attribution: Attribution) -> WorstRequest | None:
    """The worst finished request: furthest beyond a threshold, without thresholds the slowest."""
    rows = attribution.rows
    if not len(rows):
        return None
    requests, latencies = result.recording.requests, latencies_of(result.recording.requests)
    place = int(np.argmax(np.nan_to_num(_badness(latencies, result.context.slo)[rows])))
    row = rows[place]
    arrival = requests.arrival_ns[row]

    def after(time_ns: int) -> float:
        return float(time_ns - arrival) / 1e9

    seconds = attribution.seconds[place]
    there = (requests.arrival_ns < arrival) & (requests.finish_ns > arrival)
    tpot = float(latencies.tpot[row])
    return WorstRequest(
        request=int(requests.request[row]),
        arrival_s=float(arrival) / 1e9,
        prompt_tokens=int(requests.prompt_tokens[row]),
        output_tokens=int(requests.output_tokens[row]),
        preemptions=int(requests.preemptions[row]),
        ahead=int(there.sum()),
        ttft_ms=float(latencies.ttft[row]),
        tpot_ms=None if np.isnan(tpot) else tpot,
        e2e_ms=float(latencies.e2e[row]),
        events=(
            (0.0, f"arrives, {int(there.sum())} requests are there"),
            *((after(time_ns), what) for time_ns, what in _moments(result.recording, int(row))),
            (after(requests.finish_ns[row]), f"last of {int(requests.output_tokens[row])} tokens"),
        ),
        causes={
            phase: {
                cause: float(value)
                for cause, value in zip(attribution.causes, seconds[index], strict=True)
                if value > 0
            }
            for index, phase in enumerate(PHASES)
        },
    )


def _moments(recording: Recording, row: int) -> list[tuple[int, str]]:
    """What happened to a request between its arrival and its end, and when [ns], in order."""
    requests, waits, rows = recording.requests, recording.waits, wait_rows(recording)
    pools, replicas = entry_replicas(recording, rows)
    where = _replica(recording, int(pools[row]), int(replicas[row]))
    target = _replica(recording, int(requests.pool[row]), int(requests.replica[row]))
    over = {
        "gateway": "the gateway lets it through",
        "earlier attempts": "its client tries again",
        "no replica": "a replica has come into service",
        "decode room": "the decode side has room for it",
        "link": f"its KV cache has come to {target}",
    }
    mine = np.flatnonzero(rows == row).tolist()
    found = [(int(waits.end_ns[one]), over[WAIT_CAUSES[int(waits.cause[one])]]) for one in mine]
    found.append((int(requests.first_scheduled_ns[row]), f"first step with it, on {where}"))
    found.append((int(requests.first_token_ns[row]), "first token"))
    return sorted(found, key=lambda moment: moment[0])


def _replica(recording: Recording, pool: int, replica: int) -> str:
    return f"{recording.pools[pool].name} replica {replica}"


def _badness(latencies: Latencies, slo: Slo) -> Floats:
    """Highest ratio of a latency to its threshold; without any the end-to-end latency."""
    limits = {"ttft": slo.ttft_s, "tpot": slo.tpot_s, "e2e": slo.e2e_s}
    for one in slo.percentiles:
        limits[one.latency] = limits[one.latency] or one.limit_s
    ratios = [
        np.nan_to_num(getattr(latencies, name)) / (limit * 1e3)
        for name, limit in limits.items()
        if limit is not None
    ]
    found: Floats = np.max(ratios, axis=0) if ratios else latencies.e2e
    return found
