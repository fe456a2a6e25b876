"""Simulates one point and reads the figures that its source reports."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.calibration.points.setup import NotSimulated, Setup
from simulator.engine.cluster import ClusterPlan
from simulator.engine.transfers import TransferPlan
from simulator.errors import SimulatorError
from simulator.results.latencies import is_finished
from simulator.results.recording import Recording, RequestColumns
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
    span = _steady(setup, requests) if setup.steady else _whole(requests)
    figures = {**_latencies(setup, requests), **_rates(requests, span), **_power(recording, pools, span)}
    if setup.statistic == "steady" and setup.load.concurrency and "output_tokens_per_s" in figures:
        figures["tpot_s"] = setup.load.concurrency / figures["output_tokens_per_s"]
    return figures


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
    middle = np.median if setup.statistic == "median" else np.mean
    return {"ttft_s": float(middle(ttft)), "tpot_s": float(middle(tpot)), "e2e_s": float(middle(e2e))}


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


def _rates(requests: RequestColumns, span: Span) -> dict[str, float]:
    """Tokens and requests per second; tokens of a request are spread over its time after the first."""
    if span.seconds <= 0:
        return {}
    lasting = np.maximum(requests.finish_ns - requests.first_token_ns, 1)
    inside = np.clip(requests.finish_ns, span.start, span.end)
    inside = inside - np.clip(requests.first_token_ns, span.start, span.end)
    tokens = float(((requests.output_tokens - 1) * inside / lasting).sum())
    started = (requests.first_token_ns > span.start) & (requests.first_token_ns <= span.end)
    output = (tokens + started.sum()) / span.seconds
    share = requests.prompt_tokens.sum() / requests.output_tokens.sum()
    return {
        "output_tokens_per_s": float(output),
        "total_tokens_per_s": float(output * (1 + share)),
        "requests_per_s": float(output * len(lasting) / requests.output_tokens.sum()),
    }


def _power(recording: Recording, pools: list[PreparedPool], span: Span) -> dict[str, float]:
    """Draw of all devices over the span [W], and per output token [J]; nothing where power is unknown."""
    total = 0.0
    for pool, prepared in zip(recording.pools, pools, strict=True):
        idle_w = prepared.backend.pricer.idle_w
        windows = pool.windows
        ends = (np.arange(len(windows.steps)) + 1) * windows.width_ns
        inside = (ends > span.start + windows.width_ns) & (ends <= span.end)
        if not inside.any():
            inside = np.ones(len(ends), dtype=np.bool_)
        dynamic = (windows.prefill_j[inside] + windows.decode_j[inside]).sum()
        seconds = inside.sum() * windows.width_ns / NS_PER_S
        if idle_w is None or not math.isfinite(dynamic) or seconds <= 0:
            return {}
        total += idle_w * pool.replicas + float(dynamic) / seconds
    rates = _rates(recording.requests, span)
    tokens = rates.get("output_tokens_per_s", 0.0)
    return {"power_w": total} | ({"joules_per_output_token": total / tokens} if tokens > 0 else {})
