"""Constants that whole engines show and operator tables do not, fitted to silicon points.

- how much of the launching of kernels is left on Blackwell under each serving program;
- what a linear layer and an indexer take however little there is to do;
- at which rate 4-bit products really stream (their table is faster than any engine);
- what taking tokens to their experts takes however few there are;
- how random prompts choose experts.

Everything else stays as the operator tables have it. Points that repeat a measurement count once. Of prefill
and decode apart the decode engine counts, under as many requests as were answering (Little's law on the
measured times); rows with multi-token prediction do not count.
`python -m simulator.calibration.points.engine_fit FILE` prints the constants, and the errors with each model
and with each device left out in turn.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simulator.calibration.not_simulated import NotSimulated
from simulator.calibration.points.point import OperatingPoint, read_points
from simulator.calibration.points.search import Expected, Floats, Values, report
from simulator.calibration.points.setup import Setup, routing_of
from simulator.calibration.points.sources import silicon
from simulator.calibration.points.steady import SteadyLoad, stationary, steady_tpot_s
from simulator.errors import InputError, program
from simulator.hardware.device import Device
from simulator.hardware.execution import RooflineExecution
from simulator.latency import compile_backend
from simulator.latency.pricer import StepPricer
from simulator.scenario.cluster import PoolSpec

EXPECTED = {
    "blackwell vllm": Expected(0.8, 0.2, 0.2, 1.5),
    "blackwell sglang": Expected(0.8, 0.2, 0.2, 1.5),
    "blackwell tensorrt-llm": Expected(0.8, 0.2, 0.2, 1.5),
    "nvfp4 bandwidth_efficiency": Expected(0.9, 0.1, 0.4, 1.0),
    "linear_us": Expected(20.0, 15.0, 0.0, 100.0),
    "indexer_us": Expected(30.0, 30.0, 0.0, 150.0),
    "dispatch_us": Expected(50.0, 50.0, 0.0, 300.0),
    "diversity": Expected(0.8, 0.2, 0.1, 1.0),
    "spread": Expected(0.5, 0.3, 0.0, 3.0),
}
#: Loads beyond are decided by queueing, which the closed form leaves out.
MOST_IN_FLIGHT = 512


@dataclass(frozen=True, slots=True)
class Server:
    """Points of one server: loads, and measured times per output token [s]."""

    setup: Setup
    pool: PoolSpec
    loads: tuple[SteadyLoad, ...]
    tpot_s: tuple[float, ...]


FAMILIES: dict[str, Callable[[Server], str]] = {
    "model": lambda server: server.setup.card.id,
    "device": lambda server: server.setup.device.id,
}


def servers_of(points: Iterable[OperatingPoint]) -> list[Server]:
    """Engines that answer, by server: aggregated ones, and decode engines. Repeated measurements once."""
    servers: dict[Any, tuple[Setup, PoolSpec, dict[tuple[SteadyLoad, float], None]]] = {}
    for point in points:
        try:
            found = answering_engine(point)
        except NotSimulated:
            continue
        if found is None or found[1].speculative is not None:
            continue
        setup, pool, load, tpot_s = found
        key = (point.model, point.device, pool.role, pool.latency.model_dump_json(), str(pool.parallelism))
        *_, rows = servers.setdefault((*key, setup.weight_dtype, setup.kv_dtype), (setup, pool, {}))
        rows[load, tpot_s] = None
    return [
        Server(setup, pool, tuple(load for load, _ in rows), tuple(tpot for _, tpot in rows))
        for setup, pool, rows in servers.values()
    ]


def answering_engine(point: OperatingPoint) -> tuple[Setup, PoolSpec, SteadyLoad, float] | None:
    """The engine that answers, its load, and its time per output token without what streaming adds [s].

    None where the row lacks a figure, or queueing decides it.
    """
    figures, sent = point.measured, point.load_value
    if "tpot_s" not in figures or not sent or point.prompt_tokens is None or point.output_tokens is None:
        return None
    setup = silicon.setup(point)
    pool = setup.pools[-1]
    shorter = (1 + silicon.SHORTEST) / 2 if silicon.is_inferencex(point) else 1.0
    prompt, output = point.prompt_tokens * shorter, point.output_tokens * shorter
    gaps = output - 1
    tpot_s = round(figures["tpot_s"] * gaps / (gaps - setup.stream_interval + 1), 5)
    if pool.role != "decode":
        return (
            None if sent > MOST_IN_FLIGHT else (setup, pool, stationary(round(sent), prompt, output), tpot_s)
        )
    answering = figures["tpot_s"] * gaps
    share = answering / (figures.get("ttft_s", 0.0) + answering)
    running = max(round(sent * share / pool.replicas), 1)
    return setup, pool, SteadyLoad(running, prompt, prompt + output / 2, 0.0), tpot_s


def ratios(servers: Sequence[Server], values: Values) -> Floats:
    """Predicted over measured time per output token of all points, NaN where a server cannot be built."""
    found: list[float] = []
    for server in servers:
        pricer = _pricer(server, values)
        for load, measured in zip(server.loads, server.tpot_s, strict=True):
            found.append(np.nan if pricer is None else steady_tpot_s(pricer, load) / measured)
    return np.array(found)


def _pricer(server: Server, values: Values) -> StepPricer | None:
    setup, pool = server.setup, server.pool
    routing = routing_of(setup.card, values["diversity"], values["spread"])
    try:
        return compile_backend(
            pool.latency.model_copy(update=routing),
            setup.card,
            with_constants(setup.device, values),
            pool.parallelism,
            pool.engine,
            weight_dtype=setup.weight_dtype,
            kv_dtype=setup.kv_dtype,
        ).pricer
    except InputError:
        return None


def with_constants(device: Device, values: Values) -> Device:
    """The device with these constants in its profile."""
    execution = device.execution
    if not isinstance(execution, RooflineExecution) or execution.layer is None:
        return device
    update: dict[str, Any] = {"linear_us": values["linear_us"], "indexer_us": values["indexer_us"]}
    update["dispatch_us"] = values["dispatch_us"]
    if "fp4" in device.peak_flops:
        programs = ("vllm", "sglang", "tensorrt-llm")
        update["launch_share"] = {program: values[f"blackwell {program}"] for program in programs}
    gemm = dict(execution.gemm)
    if "nvfp4" in gemm:
        efficiency = values["nvfp4 bandwidth_efficiency"]
        gemm["nvfp4"] = gemm["nvfp4"].model_copy(update={"bandwidth_efficiency": efficiency})
    changed = {"layer": execution.layer.model_copy(update=update), "gemm": gemm}
    return device.model_copy(update={"execution": execution.model_copy(update=changed)})


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Print the constants."""
    parser = argparse.ArgumentParser(prog="simulator tool engine-fit")
    parser.add_argument("file", type=Path, help="points of silicon")
    file = parser.parse_args(arguments).file
    report(EXPECTED, servers_of(read_points(file)), ratios, FAMILIES)
    return 0


if __name__ == "__main__":
    sys.exit(main())
