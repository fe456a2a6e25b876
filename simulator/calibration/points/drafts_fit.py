"""How often drafts of multi-token prediction are right on random prompts, fitted to silicon points with them.

One constant for all of them. How many drafts there are follows from the recipes (`silicon_drafts`, from
memory), and so is no constant of this fit; what it says of other numbers is printed. Times are those of a
closed loop in closed form (`steady`): a step verifies the drafts of all, and yields as many tokens as are
right and one more. Points that repeat a measurement count once.
`simulator tool drafts-fit FILE` prints the constant, and the errors with each server
(program, format of weights, attention shared or data parallel) left out in turn.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from simulator.calibration.not_simulated import NotSimulated
from simulator.calibration.points.engine_fit import answering_engine
from simulator.calibration.points.point import OperatingPoint, read_points
from simulator.calibration.points.search import Expected, Floats, Values, fit, report, summary
from simulator.calibration.points.steady import SteadyLoad, steady_tpot_s
from simulator.errors import InputError, program
from simulator.latency import compile_backend
from simulator.latency.pricer import StepPricer
from simulator.scenario.speculation import SpeculationSpec

EXPECTED = {"acceptance": Expected(0.6, 0.3, 0.05, 0.99)}
#: Numbers of drafts that are tried in the place of what the recipes ask for.
NUMBERS = (1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class DraftedPoint:
    """A point with drafts: what verifies them, its load without them, and its time per output token [s]."""

    server: str
    pricer: StepPricer
    load: SteadyLoad
    drafts: int
    tpot_s: float


FAMILIES: dict[str, Callable[[DraftedPoint], str]] = {"server": lambda point: point.server}


def drafted_points(points: Iterable[OperatingPoint]) -> list[DraftedPoint]:
    """The points of engines that draft, each measurement once."""
    found: dict[tuple[str, SteadyLoad, float], DraftedPoint] = {}
    for point in points:
        try:
            drafted = _drafted(point)
        except (NotSimulated, InputError):
            continue
        if drafted is not None:
            found.setdefault((drafted.server, drafted.load, drafted.tpot_s), drafted)
    return list(found.values())


def _drafted(point: OperatingPoint) -> DraftedPoint | None:
    engine = answering_engine(point)
    if engine is None:
        return None
    setup, pool, load, tpot_s = engine
    if pool.speculative is None:
        return None
    pricer = compile_backend(
        pool.latency,
        setup.card,
        setup.device,
        pool.parallelism,
        pool.engine,
        pool.speculative,
        weight_dtype=setup.weight_dtype,
        kv_dtype=setup.kv_dtype,
    ).pricer
    shared = "data-parallel attention" if pool.parallelism.data > 1 else "shared attention"
    server = f"{point.engine} {setup.weight_dtype} {shared}"
    return DraftedPoint(server, pricer, load, pool.speculative.num_speculative_tokens, tpot_s)


def ratios(points: Sequence[DraftedPoint], values: Values) -> Floats:
    """Predicted over measured time per output token."""
    return np.array([_ratio(point, values["acceptance"]) for point in points])


def _ratio(point: DraftedPoint, acceptance: float) -> float:
    spec = SpeculationSpec(method="mtp", num_speculative_tokens=point.drafts, acceptance=acceptance)
    gained = 1.0 + sum(spec.positions)
    load = replace(point.load, drafts=point.drafts, replacements=point.load.replacements * gained)
    return steady_tpot_s(point.pricer, load) / gained / point.tpot_s


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Print the constant."""
    parser = argparse.ArgumentParser(prog="simulator tool drafts-fit")
    parser.add_argument("file", type=Path, help="points of silicon")
    points = drafted_points(read_points(parser.parse_args(arguments).file))
    report(EXPECTED, points, ratios, FAMILIES)
    print("\nwith another number of drafts everywhere")
    for number in NUMBERS:
        others = [replace(point, drafts=number) for point in points]
        values = fit(EXPECTED, others, ratios)
        print(f"  {number} at {values['acceptance']:.2f}: {summary(ratios(others, values) - 1)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
