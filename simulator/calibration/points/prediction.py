"""Simulates one point and reads the figures that its source reports."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.calibration.not_simulated import NotSimulated
from simulator.calibration.points.setup import Setup
from simulator.engine.cluster import ClusterPlan
from simulator.engine.transfers import TransferPlan
from simulator.errors import SimulatorError
from simulator.results.latencies import is_finished
from simulator.results.recording import Recording, RequestColumns, StepWindows
from simulator.simulation.event_loop import simulate
from simulator.simulation.pools import PreparedPool, prepare_pool
from simulator.units.clock import NS_PER_S
from simulator.units.random_streams import RandomStreams

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Span:
    """A part of simulated time [ns]."""

    start: int
    end: int

    @property
    def seconds(self) -> float:
        """Its length [s]."""
        return (self.end - self.start) / NS_PER_S


def predict(setup: Setup) -> dict[str, float]:
    """The figures of a point as the simulator has them, by the names of `METRICS`.

    Raises
    ------
    NotSimulated
        Where the server cannot be built or cannot hold the load.
    """
    try:
        pools = [
            prepare_pool(spec, setup.device, setup.card, setup.weight_dtype, setup.kv_dtype)
            for spec in setup.pools
        ]
        transfer = None if setup.link is None else TransferPlan(setup.link)
        plan = ClusterPlan(tuple(pool.plan for pool in pools), delays=setup.delays, transfer=transfer)
        recording = simulate(plan, setup.load, RandomStreams(0))
    except SimulatorError as error:
        raise NotSimulated(str(error)) from error
    requests = recording.requests
    if not is_finished(requests).all():
        raise NotSimulated("some requests of the load cannot be served")
    figures = _latencies(setup, requests)
    if not setup.steady:
        span = _whole(requests)
        rates = _rates(requests, _whole_rate(setup, requests, figures, span))
        return figures | rates | _power(recording, pools, span, rates)
    span = _steady(setup, requests)
    rates = _rates(requests, _steady_rate(recording, span))
    if setup.statistic == "steady" and rates:
        figures["tpot_s"] = _steady_batch(recording, span) / rates["output_tokens_per_s"]
    return figures | rates | _power(recording, pools, span, rates)


def _latencies(setup: Setup, requests: RequestColumns) -> dict[str, float]:
    requests = _only(requests, requests.request >= setup.load.under_way)
    output = requests.output_tokens
    e2e = (requests.finish_ns - requests.arrival_ns) / NS_PER_S
    ttft = (requests.first_token_ns - requests.arrival_ns) / NS_PER_S
    gaps = np.maximum(output - 1, 1)
    ttft += np.minimum(setup.stream_interval - 1, output - 1) * (e2e - ttft) / gaps
    tpot = ((e2e - ttft) / gaps)[output > 1]
    if setup.statistic == "batch":
        return {"ttft_s": float(ttft.max()), "tpot_s": float(tpot.mean()), "e2e_s": float(e2e.max())}
    if setup.statistic == "median":
        return {
            "ttft_s": float(np.median(ttft)),
            "tpot_s": float(np.median(tpot)),
            "e2e_s": float(np.median(e2e)),
        }
    weights = setup.load.weights[requests.request]
    return {
        "ttft_s": float(np.average(ttft, weights=weights)),
        "tpot_s": float(np.average(tpot, weights=weights[output > 1])) if len(tpot) else 0.0,
        "e2e_s": float(np.average(e2e, weights=weights)),
    }


def _only(requests: RequestColumns, keep: NDArray[np.bool_]) -> RequestColumns:
    return RequestColumns(*(getattr(requests, name)[keep] for name in RequestColumns.__slots__))


def _whole(requests: RequestColumns) -> Span:
    return Span(int(requests.arrival_ns.min()), int(requests.finish_ns.max()))


def _steady(setup: Setup, requests: RequestColumns) -> Span:
    """From when those under way at the start go on answering until no request is replaced any more."""
    first = requests.request < setup.load.under_way
    if not first.any():
        return _whole(requests)
    return Span(int(requests.first_token_ns[first].max()), int(requests.arrival_ns.max()))


def _rates(requests: RequestColumns, output_per_s: float) -> dict[str, float]:
    """Tokens and requests per second that go with this rate of output tokens."""
    if output_per_s <= 0:
        return {}
    prompts, outputs = requests.prompt_tokens.sum(), requests.output_tokens.sum()
    return {
        "output_tokens_per_s": output_per_s,
        "total_tokens_per_s": float(output_per_s * (1 + prompts / outputs)),
        "requests_per_s": float(output_per_s * len(requests.request) / outputs),
    }


def _whole_rate(setup: Setup, requests: RequestColumns, latencies: dict[str, float], span: Span) -> float:
    """Output tokens per second of a whole benchmark; of a closed loop by Little's law, as its sources do."""
    seats = setup.load.concurrency
    if seats is not None:
        return float(seats * requests.output_tokens.mean() / latencies["e2e_s"])
    return float(requests.output_tokens.sum()) / span.seconds if span.seconds > 0 else 0.0


def _steady_rate(recording: Recording, span: Span) -> float:
    """Output tokens per second over the span: those of decode steps, and the first of every answer."""
    tokens = sum(
        int(pool.windows.decode_tokens[_inside(pool.windows, span)].sum()) for pool in recording.pools
    )
    seconds = _seconds(recording, span)
    first = recording.requests.first_token_ns
    started = int(((first > span.start) & (first <= span.end)).sum()) if span.seconds > 0 else 0
    return (tokens / seconds if seconds > 0 else 0.0) + (started / span.seconds if span.seconds > 0 else 0.0)


def _steady_batch(recording: Recording, span: Span) -> float:
    """Requests that run on average over the span."""
    batch = sum(float(pool.windows.batch_ns[_inside(pool.windows, span)].sum()) for pool in recording.pools)
    return batch / (_seconds(recording, span) * NS_PER_S)


def _seconds(recording: Recording, span: Span) -> float:
    """Simulated time of the windows that lie within the span [s]."""
    windows = recording.pools[0].windows
    return float(_inside(windows, span).sum()) * windows.width_ns / NS_PER_S


def _inside(windows: StepWindows, span: Span) -> NDArray[np.bool_]:
    """Windows within the span; all of them where it is shorter than one."""
    ends = (np.arange(len(windows.steps)) + 1) * windows.width_ns
    inside: NDArray[np.bool_] = (ends >= span.start + windows.width_ns) & (ends <= span.end)
    return inside if inside.any() else np.ones(len(ends), dtype=np.bool_)


def _power(
    recording: Recording, pools: list[PreparedPool], span: Span, rates: dict[str, float]
) -> dict[str, float]:
    """Draw of all devices over the span [W], and per output token [J]; nothing where power is unknown."""
    total = 0.0
    for pool, prepared in zip(recording.pools, pools, strict=True):
        idle_w = prepared.backend.pricer.idle_w
        windows = pool.windows
        inside = _inside(windows, span)
        dynamic = (windows.prefill_j[inside] + windows.decode_j[inside]).sum()
        seconds = inside.sum() * windows.width_ns / NS_PER_S
        if idle_w is None or not math.isfinite(dynamic) or seconds <= 0:
            return {}
        total += idle_w * pool.replicas + float(dynamic) / seconds
    tokens = rates.get("output_tokens_per_s", 0.0)
    return {"power_w": total} | ({"joules_per_output_token": total / tokens} if tokens > 0 else {})
