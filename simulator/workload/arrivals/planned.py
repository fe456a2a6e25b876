"""Arrivals at a planned rate: a gamma renewal process in operational time under a plan.

A plan is a factor on the rate as a function of time. It is sampled at the middle of each
step of a grid, which is exact for straight lines but in the steps that hold a corner; spikes
count with the share of the step that they cover.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

import numpy as np
from numpy.typing import NDArray

from simulator.scenario.workload.profiles import (
    PlannedSpec,
    ScheduledSpec,
    SeriesSpec,
    SpikeSpec,
    WeeklySpec,
)
from simulator.units.random_streams import RandomStreams
from simulator.workload.arrivals.modulated import STEPS, Rates, modulated
from simulator.workload.arrivals.renewal import Times, gamma_gaps

Floats = NDArray[np.float64]
#: Factor on the rate at the given times [s].
Plan = Callable[[Floats], Floats]

HOUR = 3600.0
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def planned(
    spec: PlannedSpec, plan: Plan, step_s: float, streams: RandomStreams, ends_s: float | None = None
) -> Times:
    """Blocks of arrival times [ns] at the planned rate, up to a time [s]; default: without an end."""
    rates = planned_rates(spec, plan, step_s, inf if ends_s is None else ends_s)
    return modulated(rates, step_s, gamma_gaps(streams.generator("arrivals"), spec.burstiness))


def planned_rates(spec: PlannedSpec, plan: Plan, step_s: float, ends_s: float = inf) -> Rates:
    """The plan with its spikes, step by step [1/s], until it ends [s]."""
    start = 0
    while start * step_s < ends_s:
        begin = np.arange(start, start + STEPS, dtype=np.float64) * step_s
        yield spec.rate * plan(begin + 0.5 * step_s) * raised(spec.spikes, begin, step_s)
        start += STEPS


def raised(spikes: Sequence[SpikeSpec], begin: Floats, step_s: float) -> Floats:
    """Factor of the spikes in each step that starts at ``begin`` [s]."""
    factor = np.ones_like(begin)
    for spike in spikes:
        covered = np.minimum(begin + step_s, spike.at + spike.lasts) - np.maximum(begin, spike.at)
        factor *= 1.0 + np.clip(covered / step_s, 0.0, 1.0) * (spike.factor - 1.0)
    return factor


def scheduled(spec: ScheduledSpec, streams: RandomStreams) -> Times:
    """A repeating timetable. Spikes need a finer grid than its steps."""
    factors = np.asarray(spec.factors)
    parts = 64 if spec.spikes else 1
    return planned(
        spec, lambda at: factors[(at // spec.step).astype(np.intp) % len(factors)], spec.step / parts, streams
    )


def series(spec: SeriesSpec, streams: RandomStreams) -> Times:
    """A plan through points."""
    return planned(spec, series_plan(spec), spec.step, streams, spec.ends_s)


def series_plan(spec: SeriesSpec) -> Plan:
    """The line through the points of a series."""
    times = np.array([point.at for point in spec.points])
    factors = np.array([point.factor for point in spec.points])

    def plan(at: Floats) -> Floats:
        local = at % times[-1] if spec.repeat else at
        if spec.between == "hold":
            return np.asarray(factors[np.searchsorted(times, local, side="right") - 1])
        if spec.between == "geometric":
            return np.asarray(np.exp(np.interp(local, times, np.log(factors))))
        return np.asarray(np.interp(local, times, factors))

    return plan


def weekly(spec: WeeklySpec, streams: RandomStreams) -> Times:
    """Days and hours."""
    return planned(spec, weekly_plan(spec), spec.step, streams)


def weekly_plan(spec: WeeklySpec) -> Plan:
    """The week as straight lines between the middles of its hours, with mean one."""
    hours = np.concatenate([spec.weekday] * 5 + [spec.weekend or spec.weekday] * 2)
    factors = hours / hours.mean()
    middles = np.arange(-1, len(hours) + 1) + 0.5
    around = np.concatenate((factors[-1:], factors, factors[:1]))
    first = DAYS.index(spec.starts) * 24 + spec.start_hour

    def plan(at: Floats) -> Floats:
        return np.asarray(np.interp((first + at / HOUR) % len(hours), middles, around))

    return plan
