"""Arrivals whose rate changes on a grid of time.

All are one mechanism. A renewal process with mean gap one runs in operational time, in
which the rate is always one; the cumulative rate L(t) = integral of rate maps it to real
time: an arrival at operational time s happens at L^-1(s). With exponential gaps this is
the Poisson process with that rate exactly (Cinlar, Introduction to Stochastic Processes,
1975, section 4.7). Only the path of the rate differs: a hidden Markov chain, a wandering
logarithm, a plan (``planned``).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from simulator.errors import InputError
from simulator.scenario.workload.arrivals import LogAr1Spec, MarkovModulatedSpec
from simulator.units.clock import NS_PER_S
from simulator.units.random_streams import RandomStreams
from simulator.workload.arrivals.renewal import (
    BLOCK,
    END_OF_TIME,
    Times,
    UnitGaps,
    exponential_gaps,
    weibull_gaps,
)

Floats = NDArray[np.float64]
#: Blocks of rates [1/s], one per step.
Rates = Iterator[Floats]

#: Steps of the rate's path drawn at a time.
STEPS = 1024


def modulated(rates: Rates, step_s: float, gaps: UnitGaps) -> Times:
    """Blocks of arrival times [ns] at a rate that holds for ``step_s`` seconds at a time.

    Operational time is counted from the start of each block of steps, so that its precision
    does not fade over a long run.
    """
    waiting = gaps(BLOCK)  # gaps drawn and not yet used
    position = 0.0  # operational time of the last arrival, from the start of the block of steps
    start_ns = 0
    for block in rates:
        cumulative = np.concatenate(([0.0], np.cumsum(block * step_s)))
        grid_ns = np.arange(len(cumulative)) * (step_s * NS_PER_S)
        if start_ns + grid_ns[-1] > END_OF_TIME:
            raise InputError("the arrivals reach beyond 146 years of simulated time; is the rate too low?")
        while True:
            operational = position + np.cumsum(waiting)
            here = int(np.searchsorted(operational, cumulative[-1]))
            if here:
                position = float(operational[here - 1])
                times = np.interp(operational[:here], cumulative, grid_ns)
                yield start_ns + np.rint(times).astype(np.int64)
            waiting = waiting[here:]
            if len(waiting):
                break
            waiting = gaps(BLOCK)
        position -= float(cumulative[-1])
        start_ns += round(float(grid_ns[-1]))


def stationary(transition: Floats) -> Floats:
    """Share of time a Markov chain spends in each state in the long run, shape (states,)."""
    states = len(transition)
    equations = np.vstack((transition.T - np.eye(states), np.ones(states)))
    shares: Floats = np.linalg.lstsq(equations, np.append(np.zeros(states), 1.0), rcond=None)[0]
    shares = np.clip(shares, 0.0, None)
    return shares / float(shares.sum())


def markov_rates(spec: MarkovModulatedSpec, random: np.random.Generator) -> Rates:
    """The rate along the hidden chain, started from its stationary distribution."""
    transition = np.asarray(spec.transition)
    transition = transition / transition.sum(axis=1, keepdims=True)
    shares = stationary(transition)
    rates = np.asarray(spec.rates)
    mean = float(shares @ rates)
    if mean <= 1e-12 * float(rates.max()):
        raise InputError("the chain ends in states without arrivals", key="workload.arrivals.transition")
    if spec.rate is not None:
        rates = rates * (spec.rate / mean)
    rows = np.cumsum(transition, axis=1)[:, :-1].tolist()
    state = bisect_right(np.cumsum(shares)[:-1].tolist(), random.random())
    while True:
        path = np.empty(STEPS, dtype=np.intp)
        for index, uniform in enumerate(random.random(STEPS).tolist()):
            path[index] = state
            state = bisect_right(rows[state], uniform)
        yield rates[path]


def log_ar1_rates(spec: LogAr1Spec, random: np.random.Generator) -> Rates:
    """The rate whose logarithm is an AR(1) chain, started from the asked rate.

    The chain's variance v grows from zero to its stationary value; rate * exp(x - v / 2) has the
    asked mean at every time.
    """
    noise = spec.log_sigma * math.sqrt(1.0 - spec.ar1**2)
    level = variance = 0.0
    while True:
        path = np.empty(STEPS)
        for index, shock in enumerate(random.standard_normal(STEPS).tolist()):
            path[index] = level - variance / 2.0
            level = spec.ar1 * level + noise * shock
            variance = spec.ar1**2 * variance + noise**2
        yield spec.rate * np.exp(path)


def markov(spec: MarkovModulatedSpec, streams: RandomStreams) -> Times:
    """Markov-modulated Poisson process."""
    rates = markov_rates(spec, streams.generator("arrival_rate"))
    return modulated(rates, spec.step, exponential_gaps(streams.generator("arrivals")))


def log_ar1(spec: LogAr1Spec, streams: RandomStreams) -> Times:
    """Weibull renewal process under a wandering rate."""
    rates = log_ar1_rates(spec, streams.generator("arrival_rate"))
    return modulated(rates, spec.step, weibull_gaps(streams.generator("arrivals"), spec.shape))
