"""Errors of a fit on what was left out of it: each measurement in turn, or the later half of a single one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from simulator.calibration.fitting.server import serve, simulated_figures
from simulator.calibration.fitting.simulated import Trial
from simulator.calibration.fitting.steps import part_of
from simulator.latency.fitted import FittedBackend, LeftOut
from simulator.latency.pricer import StepColumns

#: Figures that errors are stated for.
METRICS = ("ttft_mean_s", "ttft_p99_s", "tpot_mean_s", "itl_mean_s", "e2e_mean_s", "e2e_p99_s")
#: Fewer requests than that are not cut in two.
FEWEST_REQUESTS = 20

#: Fits a backend to some measurements.
Fit = Callable[[Sequence[Trial]], FittedBackend]


def leave_each_out(trials: Sequence[Trial], fit: Fit) -> list[LeftOut]:
    """Fit without each measurement in turn, and predict it."""
    errors = []
    for trial in trials:
        others = [other for other in trials if other is not trial]
        errors += score(trial, fit(others), trial.measurement.name)
    return errors


def leave_later_half_out(trial: Trial, fit: Fit) -> list[LeftOut]:
    """Fit to the first half of the requests or steps, and predict the second; empty where it is too short."""
    one = trial.measurement
    if one.seen is None or len(one.traffic) < FEWEST_REQUESTS:
        return []
    half = len(one.traffic) // 2
    early = one.first(half)
    if one.steps is not None:
        steps = one.steps
        first = np.arange(len(steps.duration_ns)) < _half(steps)
        once = None if one.steps_once is None else part_of(one.steps_once, first)
        early = replace(early, steps=part_of(steps, first), steps_once=once)
    fitted = fit([Trial(early, trial.settings)])
    recording = serve(one, trial.settings, fitted)
    if recording is None:
        return []
    later = np.arange(len(one.traffic)) >= half
    predicted = simulated_figures(recording, first=half)
    measured = {k: v for k, v in one.seen.figures(later).items() if not k.startswith("itl")}
    return _errors(f"later half of {one.name}", predicted, measured)


def score(trial: Trial, fit: FittedBackend, name: str) -> list[LeftOut]:
    """Errors of a fit on a measurement that it has not seen."""
    one = trial.measurement
    recording = serve(one, trial.settings, fit)
    return [] if recording is None else _errors(name, simulated_figures(recording), one.figures)


def _errors(name: str, predicted: dict[str, float], measured: dict[str, float]) -> list[LeftOut]:
    return [
        LeftOut(data=name, metric=key, error=round(predicted[key] / measured[key] - 1.0, 4))
        for key in METRICS
        if measured.get(key) and key in predicted
    ]


def _half(steps: StepColumns) -> int:
    return len(steps.duration_ns) // 2


def in_words(errors: Sequence[LeftOut]) -> str:
    """Median size of the errors by metric, for the file."""
    if not errors:
        return "unknown: there was nothing to leave out"
    parts = []
    for metric in METRICS:
        sizes = [abs(one.error) for one in errors if one.metric == metric]
        if sizes:
            parts.append(f"{_label(metric)} {float(np.median(sizes)):.1%}")
    left_out = len({one.data for one in errors})
    return f"on data left out of the fit (median of {left_out}): {', '.join(parts)}"


def _label(metric: str) -> str:
    name, statistic, _ = metric.split("_")
    return f"{name.upper()} {statistic}"
