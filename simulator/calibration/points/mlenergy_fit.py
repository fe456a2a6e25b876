"""Constants of vLLM 0.11 on real prompts, fitted to text points of ML.ENERGY.

- of dense models, device by device: the engine's own work between steps, which it does while the device
  waits, and what normalising heads cost before its kernel was fused;
- of mixtures of experts, with these: what experts cost before their kernels were tuned (`EarlyKernels`),
  and how real prompts choose experts;
- what steps take on a host that is busy with something else, with dense models and mixtures alike;
- the draw of a working device, such that the energy of a token comes out right at the predicted time.

Runs with more seats than `MOST_SEATS` are left out, for how many requests they sent is not known. Points of
data-parallel attention are predicted, but nothing is fitted to them (`teaches`), nor is the engine's own work
to those of a busy host (`tells_time`), whose steps show that host only.
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
from simulator.calibration.points.busy_host import least_step_s
from simulator.calibration.points.point import OperatingPoint, read_points
from simulator.calibration.points.search import Expected, Floats, Values, report
from simulator.calibration.points.setup import Host, Setup, pricer_of
from simulator.calibration.points.sources import mlenergy
from simulator.calibration.points.steady import SteadyLoad, steady_dynamic_j, steady_tpot_s
from simulator.errors import program
from simulator.hardware.device import Device
from simulator.hardware.execution import RooflineExecution
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
BUSY_HOST = {
    "step_us": Expected(30_000.0, 10_000.0, 0.0, 100_000.0),
    "sequence_us": Expected(35.0, 50.0, 0.0, 1000.0),
}
POWER = {
    "busy": Expected(0.2, 0.2, 0.0, 1.0),
    "memory": Expected(0.3, 0.3, 0.0, 2.0),
    "compute": Expected(0.6, 0.4, 0.0, 3.0),
}
MOST_SEATS = 512


@dataclass(frozen=True, slots=True)
class SteadyPoint:
    """One point: its server, task and load, measured time [s] and energy [J] per output token.

    ``at_rest`` is what steps take without what a busy host adds.
    """

    setup: Setup
    at_rest: BackendSpec
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


def tells_time(point: SteadyPoint) -> bool:
    """Whether a point says something about the time that steps take on a host at rest."""
    return teaches(point) and not point.busy_host


def points_of(points: Iterable[OperatingPoint]) -> list[SteadyPoint]:
    """The points that can be fitted."""
    found = []
    for point in points:
        try:
            at_rest, setup = mlenergy.setup_at_rest(point), mlenergy.setup(point)
        except NotSimulated:
            continue
        in_flight = setup.load.concurrency
        if in_flight is None or in_flight > MOST_SEATS:
            continue
        task = str(point.extra["task"])
        load = mlenergy.steady_load(point, setup)
        joules = setup.measured.get("joules_per_output_token", np.nan)
        busy, undisturbed = mlenergy.host_was_busy(point), at_rest.pools[0].latency
        found.append(SteadyPoint(setup, undisturbed, task, busy, load, setup.measured["tpot_s"], joules))
    return found


def time_ratios(points: Sequence[SteadyPoint], values: Values) -> Floats:
    """Predicted over measured time per output token, hosts at rest; NaN where a server cannot be built."""
    return np.array([_ratio(_timed(p, values), p, steady_tpot_s, p.tpot_s) for p in points])


def busy_ratios(points: Sequence[SteadyPoint], values: Values) -> Floats:
    """What steps take at least on the busy host, over measured time per output token."""
    host = Host(**values)
    return np.array([least_step_s(host, point.load.in_flight) / point.tpot_s for point in points])


def energy_ratios(points: Sequence[SteadyPoint], values: Values) -> Floats:
    """Predicted over measured energy per output token, NaN where a server cannot be built."""
    found = []
    for point in points:
        setup = point.setup
        pricer = pricer_of(setup, device=with_power(setup.device, values))
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
    if point.setup.card.moe is not None:
        overrides |= {key: values[name] for key, name in routing.items() if name in values}
    early: dict[str, Any] = {name: values[name] for name in EarlyKernels.__slots__ if name in values}
    kernels = replace(KERNELS_OF_0_11, **early)
    return pricer_of(point.setup, point.at_rest.model_copy(update=overrides), kernels=kernels)


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Print the constants: of the host, of experts, and of power device by device."""
    parser = argparse.ArgumentParser(prog="simulator tool mlenergy-fit")
    parser.add_argument("file", type=Path, help="points of ML.ENERGY")
    points = points_of(read_points(parser.parse_args(arguments).file))
    at_rest = [point for point in points if not point.busy_host]
    devices = sorted({point.setup.device.id for point in points})
    for device in devices:
        dense = [p for p in at_rest if p.setup.card.moe is None and p.setup.device.id == device]
        print(f"\ntime per output token, dense models on {device}")
        report(HOST, dense, time_ratios, FAMILIES)
    print("\ntime per output token, mixture-of-experts models")
    report(EXPERTS, [p for p in at_rest if p.setup.card.moe is not None], time_ratios, FAMILIES, teaches)
    print("\ntime per output token, busy host")
    report(BUSY_HOST, [point for point in points if point.busy_host], busy_ratios, FAMILIES)
    for device in devices:
        print(f"\nenergy per output token, {device}")
        report(POWER, [p for p in points if p.setup.device.id == device], energy_ratios, FAMILIES, teaches)
    return 0


if __name__ == "__main__":
    sys.exit(main())
