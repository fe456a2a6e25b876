"""Points of sources that have no conventions of their own: what a row says, and the usual for the rest.

Assumed, where the rows say nothing:

- prompts and outputs of the stated lengths, outputs from 95 % on where clients follow one another, so that
  they drift apart; ten rounds of every seat; random prompts, of which nothing is shared;
- a static batch comes at once and is read as its last request; an open loop lasts `OPEN_S` at Poisson
  arrivals;
- seats for every request, greedy sampling, steps of `STEP_TOKENS`; vLLM schedules ahead as its version
  does, other programs do; a client that talks to the server over HTTP, but for static batches;
- ``tp`` devices share every layer, all of them where neither that nor ``dp`` is stated.
"""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from simulator.calibration.not_simulated import NotSimulated
from simulator.calibration.points.engines import Engines, Spread, disaggregated, link_between
from simulator.calibration.points.load import Load, closed_loop, fixed, open_loop, static_batch, uniform
from simulator.calibration.points.point import OperatingPoint
from simulator.calibration.points.setup import (
    API_DELAYS,
    Setup,
    Statistic,
    card_of,
    device_of,
    lengths_of,
    load_value_of,
)
from simulator.engine.gateway import NO_DELAYS
from simulator.hardware.execution import Program
from simulator.scenario.backend import AutoBackendSpec
from simulator.scenario.cluster import PoolSpec
from simulator.scenario.engine import EngineSpec

DRIFT, ROUNDS, LEAST_REQUESTS = 0.95, 10, 32
OPEN_S, MOST_OPEN = 60.0, 20_000
STEP_TOKENS = 8192
#: Seats of an engine in an open loop, where nothing bounds them: vLLM's default.
OPEN_SEATS = 1024


def setup(point: OperatingPoint) -> Setup:
    """The point as it is simulated."""
    card, device = card_of(point), device_of(point)
    running = seats(point)
    base = Setup(
        card=card,
        device=device,
        pools=(),
        weight_dtype=point.weight_dtype or "auto",
        kv_dtype=point.kv_dtype or "auto",
        load=load(point),
        measured=point.measured,
        statistic=statistic(point),
        steady=False,
        delays=NO_DELAYS if point.load_kind == "batch" else API_DELAYS,
    )
    if point.mode == "disagg":
        pools = disaggregated(point, running, lambda engines: pool(point, engines))
        return replace(base, pools=pools, link=link_between(device))
    return replace(base, pools=(pool(point, Engines("main", "unified", 1, spread_of(point), running)),))


def seats(point: OperatingPoint) -> int:
    """Most requests that run at once."""
    return OPEN_SEATS if point.load_kind == "open" else max(round(load_value_of(point)), 1)


def statistic(point: OperatingPoint) -> Statistic:
    """How the row sums up its latencies."""
    if point.load_kind == "batch":
        return "batch"
    return "median" if point.stat == "median" else "mean"


def spread_of(point: OperatingPoint) -> Spread:
    """How an aggregated engine lies on its devices."""
    data, stages = point.dp or 1, point.pp or 1
    tensor = point.tp or max((point.count or 1) // (data * stages), 1)
    return Spread(tensor, stages, data, point.ep or 1)


def load(point: OperatingPoint) -> Load:
    """The requests of the row."""
    prompt, output = lengths_of(point)
    value = load_value_of(point)
    if point.load_kind == "batch":
        return static_batch(prompt, output, max(round(value), 1))
    if point.load_kind == "open":
        count = min(max(round(value * OPEN_S), LEAST_REQUESTS), MOST_OPEN)
        return open_loop(fixed(prompt, count), fixed(output, count), value, seed=4)
    if point.load_kind != "closed":
        raise NotSimulated(f"the load is {point.load_kind!r}; known are closed, batch and open")
    in_flight = max(round(value), 1)
    count = max(ROUNDS * in_flight, LEAST_REQUESTS)
    return closed_loop(fixed(prompt, count), uniform(DRIFT * output, output, count, seed=2), in_flight)


def program_of(point: OperatingPoint) -> Program | None:
    """The serving program, where its kernels were compared with measurements."""
    return next((program for program in get_args(Program) if program == point.engine), None)


def pool(point: OperatingPoint, engines: Engines) -> PoolSpec:
    """One pool of the row's engines."""
    of_vllm = point.engine is None or "vllm" in point.engine.lower()
    engine = EngineSpec(
        max_num_seqs=engines.running,
        max_num_batched_tokens=max(STEP_TOKENS, engines.running),
        enable_prefix_caching=False,
        async_scheduling=None if of_vllm and point.engine_version else True,
    )
    if of_vllm and point.engine_version:
        engine = engine.model_copy(update={"engine_version": point.engine_version})
    return PoolSpec(
        name=engines.name,
        role=engines.role,
        hardware=point.device or "",
        replicas=engines.count,
        parallelism=engines.spread.spec,
        engine=engine,
        latency=AutoBackendSpec(sampler="greedy", software=program_of(point)),
    )
