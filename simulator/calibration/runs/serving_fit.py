"""What serving runs decide of the roofline: constants that no operator table holds, each model left out.

- how much faster or slower decode attention and the rest of a layer are in the release that served the runs
  than in the one whose operators were tabled (`simulator.latency.roofline.releases`);
- the time of a request in the API server (`simulator.scenario.engine_versions`).

Runs on H100 decide; those on other devices are only predicted. Overloaded runs and those at the edge of it
(`AT_THE_EDGE`) are left out: a step that is off by a percent moves them without bound. Every constant is
moved once, all runs are simulated again, and the constants that bring time per output token and TTFT closest
are found along these straight lines: errors beyond a few percent count by their size, and what the runs say
little about stays near where it was.

`python -m simulator.calibration.runs.serving_fit FOLDER` prints the constants, those with each model left out
(as ``validation/held_out.yaml`` holds them), and the errors of both. Takes ten minutes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from simulator.calibration.runs.groups import is_overloaded
from simulator.calibration.runs.measured import MeasuredRun, read_run, runs_at
from simulator.calibration.runs.simulated import Serving, ServingConstants
from simulator.calibration.runs.validation import report_on
from simulator.errors import program
from simulator.results.recording import Floats

SOURCES = ("blis-training", "blis-sim2real")
DECIDING = "nvidia-h100*"
AT_THE_EDGE = ("blis-llama-2-7b-tp1-general",)
#: Metrics that the constants are fitted to, and their weights.
FITTED = {"tpot_mean_s": 1.0, "ttft_mean_s": 0.4}
SHOWN = ("e2e_mean_s", "e2e_p99_s", "ttft_mean_s", "ttft_p99_s", "tpot_mean_s")
#: Relative error from which on errors count by their size.
SOFT = 0.02
#: Weight of one standard deviation of what is expected of a constant.
PULL = 0.3


@dataclass(frozen=True, slots=True)
class Knob:
    """One constant: how far it is moved to see what it does, and how far it may be from where it is."""

    step: float
    spread: float


KNOBS = {
    "attention_factor": Knob(-0.05, 0.08),
    "layer_us": Knob(2.0, 5.0),
    "request_s": Knob(1e-3, 2e-3),
}
Values = dict[str, float]
#: Logarithms of predicted over measured by metric, one element per run, NaN where a run lacks it.
Errors = dict[str, Floats]


@dataclass(frozen=True, slots=True)
class Response:
    """Errors of all runs with the present constants, and how each constant moves them."""

    runs: tuple[MeasuredRun, ...]
    base: Errors
    slopes: Mapping[str, Errors]

    def errors(self, moved: Values) -> Errors:
        """Errors with constants moved by so much."""
        found = {metric: base.copy() for metric, base in self.base.items()}
        for name, by in moved.items():
            for metric in found:
                found[metric] += self.slopes[name][metric] * by
        return found


def respond(runs: Sequence[MeasuredRun], constants: ServingConstants) -> Response:
    """Simulate all runs with the constants, and once more for each of them."""
    base = _errors(runs, constants)
    slopes = {}
    for name, knob in KNOBS.items():
        moved = _errors(runs, _moved(constants, {name: knob.step}))
        slopes[name] = {metric: (moved[metric] - base[metric]) / knob.step for metric in base}
    return Response(tuple(runs), base, slopes)


def _errors(runs: Sequence[MeasuredRun], constants: ServingConstants) -> Errors:
    from joblib import Parallel, delayed

    rows = Parallel(n_jobs=2)(delayed(_of_run)(run, constants) for run in runs)
    return {metric: np.array([row[metric] for row in rows]) for metric in SHOWN}


def _of_run(run: MeasuredRun, constants: ServingConstants) -> dict[str, float]:
    report = report_on(run, lambda _: Serving(constants=constants))
    errors = {metric: report.error(metric) for metric in SHOWN}
    return {metric: np.nan if off is None else float(np.log1p(off)) for metric, off in errors.items()}


def fit(response: Response, deciding: Sequence[int]) -> Values:
    """By how much the constants must move, from the runs of these numbers."""
    from scipy.optimize import least_squares

    names = tuple(KNOBS)
    spreads = np.array([KNOBS[name].spread for name in names])

    def residuals(x: Floats) -> Floats:
        errors = response.errors(dict(zip(names, x.tolist(), strict=True)))
        parts = [weight * errors[metric][deciding] / SOFT for metric, weight in FITTED.items()]
        found = np.concatenate([*parts, PULL * x / spreads])
        known: Floats = found[~np.isnan(found)]
        return known

    result = least_squares(residuals, np.zeros(len(names)), loss="soft_l1", x_scale=spreads)
    return dict(zip(names, result.x.tolist(), strict=True))


def deciding(runs: Sequence[MeasuredRun]) -> list[int]:
    """Numbers of the runs that constants are fitted to."""
    return [
        number
        for number, run in enumerate(runs)
        if fnmatchcase(run.hardware.device, DECIDING) and run.name not in AT_THE_EDGE
    ]


def leave_models_out(response: Response) -> Iterator[tuple[str, Values, list[int]]]:
    """Each model with the moves fitted to the other models, and the numbers of its runs."""
    fitted = deciding(response.runs)
    for model in dict.fromkeys(run.model.id for run in response.runs):
        own = [number for number, run in enumerate(response.runs) if run.model.id == model]
        yield model, fit(response, [number for number in fitted if number not in own]), own


def _moved(constants: ServingConstants, moves: Values) -> ServingConstants:
    return replace(constants, **{name: getattr(constants, name) + by for name, by in moves.items()})


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Print constants, folds and errors."""
    parser = argparse.ArgumentParser(prog="simulator tool serving-fit")
    parser.add_argument("folder", type=Path, help="folder of measured runs")
    folder = parser.parse_args(arguments).folder
    runs = [run for run in map(read_run, runs_at([folder])) if run.source in SOURCES]
    runs = [run for run in runs if not is_overloaded(run)]
    constants = ServingConstants()
    response = respond(runs, constants)
    moves = fit(response, deciding(runs))
    print("# fitted to all runs on H100")
    _print("all", _moved(constants, moves))
    print(f"# {_medians(response.errors(moves))}\n# each model left out in turn")
    left_out = {metric: np.full(len(runs), np.nan) for metric in SHOWN}
    for model, fold, own in leave_models_out(response):
        _print(model, _moved(constants, fold))
        errors = response.errors(fold)
        for metric in SHOWN:
            left_out[metric][own] = errors[metric][own]
    print(f"# {_medians(left_out)}")
    others = [number for number in range(len(runs)) if number not in deciding(runs)]
    print(f"# other devices: {_medians({metric: left_out[metric][others] for metric in SHOWN})}")
    return 0


def _print(name: str, constants: ServingConstants) -> None:
    values = ", ".join(f"{knob}: {getattr(constants, knob):.4g}" for knob in KNOBS)
    print(f"  {name}: {{{values}}}")


def _medians(errors: Errors) -> str:
    return "medians of |error|: " + ", ".join(
        f"{metric} {float(np.nanmedian(np.abs(np.expm1(off)))):.1%}" for metric, off in errors.items()
    )


if __name__ == "__main__":
    sys.exit(main())
