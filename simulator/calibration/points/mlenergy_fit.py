"""Constants of vLLM 0.11 on real prompts, fitted to text points of ML.ENERGY.

- of dense models, device by device: the engine's own work between steps, which it does while the device
  waits, and what normalising heads cost before its kernel was fused;
- of mixtures of experts, with these: what experts cost before their kernels were tuned (`EarlyKernels`),
  and how real prompts choose experts;
- the draw of a working device, such that the energy of a token comes out right at the predicted time.

Runs with more seats than `MOST_SEATS` are left out, for how many requests they sent is not known, and those
of one B200 on exam questions in the fits of time (`simulator.calibration.points.sources.mlenergy`): the
host was busy. Points of data-parallel attention are predicted, but nothing is fitted to them (`teaches`).
`python -m simulator.calibration.points.mlenergy_fit FILE` prints the constants of time and of power, and the
errors with each model left out in turn.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from simulator.calibration.not_simulated import NotSimulated
from simulator.calibration.points.point import OperatingPoint, read_points
from simulator.calibration.points.search import Expected, Floats, Values, report
from simulator.calibration.points.setup import Setup
from simulator.calibration.points.sources import mlenergy
from simulator.calibration.points.steady import SteadyLoad, filled_at_once, steady_dynamic_j, steady_tpot_s
from simulator.errors import InputError, program
from simulator.hardware.device import Device
from simulator.hardware.execution import RooflineExecution
from simulator.latency import compile_backend
from simulator.latency.pricer import StepPricer
from simulator.latency.roofline.releases import KERNELS_OF_0_11, EarlyKernels
from simulator.scenario.backend import BackendSpec

HOST = {
    "host_us": Expected(770.0, 300.0, 0.0, 4000.0),
    "host_per_sequence_us": Expected(35.0, 10.0, 0.0, 120.0),
    "head_norm_ns": Expected(7.0, 4.0, 0.0, 40.0),
}
EXPERTS = {
    "rank_doubling_us": Expected(2.0, 2.0, 0.0, 60.0),
    "large_tile_factor": Expected(1.3, 0.3, 1.0, 3.0),
    "narrow_factor": Expected(1.3, 0.3, 1.0, 3.0),
    "narrow_expert_us": Expected(3.0, 2.0, 0.0, 15.0),
    "blackwell_factor": Expected(1.2, 0.3, 1.0, 3.0),
    "diversity lm-arena-chat": Expected(0.9, 0.2, 0.2, 1.0),
    "diversity gpqa": Expected(0.8, 0.2, 0.2, 1.0),
    "diversity sourcegraph-fim": Expected(0.85, 0.2, 0.2, 1.0),
    "spread": Expected(1.0, 0.5, 0.0, 3.0),
}
POWER = {
    "busy": Expected(0.2, 0.2, 0.0, 1.0),
    "memory": Expected(0.3, 0.3, 0.0, 2.0),
    "compute": Expected(0.6, 0.4, 0.0, 3.0),
}
MOST_SEATS = 512


@dataclass(frozen=True, slots=True)
class SteadyPoint:
    """One point: its server, task and load, measured time [s] and energy [J] per output token."""

    setup: Setup
    task: str
    busy_host: bool
    load: SteadyLoad
    tpot_s: float
    joules: float


FAMILIES: dict[str, Callable[[SteadyPoint], str]] = {"model": lambda point: point.setup.card.id}


def teaches(point: SteadyPoint) -> bool:
    """Whether a point says something about the constants: not where data-parallel ranks wait for each other.

    Padding to the fullest rank explains half of what their steps take (two to six times the steps of ranks
    that share the attention), and power is fitted at predicted times.
    """
    return point.setup.pools[0].parallelism.data == 1


def points_of(points: Iterable[OperatingPoint]) -> list[SteadyPoint]:
    """The points that can be fitted."""
    found = []
    for point in points:
        try:
            setup = mlenergy.setup(point)
        except NotSimulated:
            continue
        in_flight = setup.load.concurrency
        if in_flight is None or in_flight > MOST_SEATS:
            continue
        task = str(point.extra["task"])
        load = filled_at_once(in_flight, mlenergy.TASKS[task].prompt, setup.load.traffic.output_tokens)
        joules = setup.measured.get("joules_per_output_token", np.nan)
        busy = mlenergy.host_was_busy(point)
        found.append(SteadyPoint(setup, task, busy, load, setup.measured["tpot_s"], joules))
    return found


def time_ratios(points: Sequence[SteadyPoint], values: Values) -> Floats:
    """Predicted over measured time per output token, NaN where a server cannot be built."""
    return np.array([_ratio(_timed(p, values), p, steady_tpot_s, p.tpot_s) for p in points])


def energy_ratios(points: Sequence[SteadyPoint], values: Values) -> Floats:
    """Predicted over measured energy per output token, NaN where a server cannot be built."""
    found = []
    for point in points:
        setup = point.setup
        pricer = _pricer(setup, setup.pools[0].latency, with_power(setup.device, values))
        found.append(_ratio(pricer, point, _joules, point.joules))
    return np.array(found)


def _joules(pricer: StepPricer, load: SteadyLoad) -> float:
    idle_w = np.nan if pricer.idle_w is None else pricer.idle_w
    return steady_dynamic_j(pricer, load) + idle_w * steady_tpot_s(pricer, load) / load.in_flight


def _ratio(
    pricer: StepPricer | None,
    point: SteadyPoint,
    predict: Callable[[StepPricer, SteadyLoad], float],
    measured: float,
) -> float:
    return float("nan") if pricer is None else predict(pricer, point.load) / measured


def with_power(device: Device, values: Values) -> Device:
    """The device with these constants of power in its profile."""
    execution = device.execution
    if not isinstance(execution, RooflineExecution) or execution.power is None:
        return device
    power = execution.power.model_copy(update=values)
    return device.model_copy(update={"execution": execution.model_copy(update={"power": power})})


def _timed(point: SteadyPoint, values: Values) -> StepPricer | None:
    """A pricer with these constants of time; those not given are as shipped."""
    host = ("host_us", "host_per_sequence_us")
    overrides = {str(name): values[name] for name in host if name in values}
    routing = {"routing_diversity": f"diversity {point.task}", "routing_spread": "spread"}
    overrides |= {key: values[name] for key, name in routing.items() if name in values}
    early: dict[str, Any] = {name: values[name] for name in EarlyKernels.__slots__ if name in values}
    kernels = replace(KERNELS_OF_0_11, **early)
    latency = point.setup.pools[0].latency.model_copy(update=overrides)
    return _pricer(point.setup, latency, point.setup.device, kernels)


def _pricer(
    setup: Setup, latency: BackendSpec, device: Device, kernels: EarlyKernels | None = None
) -> StepPricer | None:
    pool = setup.pools[0]
    try:
        return compile_backend(
            latency,
            setup.card,
            device,
            pool.parallelism,
            pool.engine,
            weight_dtype=setup.weight_dtype,
            kv_dtype=setup.kv_dtype,
            kernels=kernels,
        ).pricer
    except InputError:
        return None


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Print the constants: of the host, of experts, and of power device by device."""
    parser = argparse.ArgumentParser(prog="simulator tool mlenergy-fit")
    parser.add_argument("file", type=Path, help="points of ML.ENERGY")
    points = points_of(read_points(parser.parse_args(arguments).file))
    idle = [point for point in points if not point.busy_host]
    devices = sorted({point.setup.device.id for point in points})
    for device in devices:
        dense = [p for p in idle if p.setup.card.moe is None and p.setup.device.id == device]
        print(f"\ntime per output token, dense models on {device}")
        report(HOST, dense, time_ratios, FAMILIES)
    print("\ntime per output token, mixture-of-experts models")
    report(EXPERTS, [p for p in idle if p.setup.card.moe is not None], time_ratios, FAMILIES, teaches)
    for device in devices:
        print(f"\nenergy per output token, {device}")
        report(POWER, [p for p in points if p.setup.device.id == device], energy_ratios, FAMILIES, teaches)
    return 0


if __name__ == "__main__":
    sys.exit(main())
