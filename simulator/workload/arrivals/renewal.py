"""Renewal processes: independent gaps of one distribution.

Gaps become whole nanoseconds before they are summed, so that the times do not depend on
how many are summed at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from simulator.errors import InputError
from simulator.scenario.workload.arrivals import (
    ClosedLoopSpec,
    ConstantSpec,
    GammaSpec,
    PoissonSpec,
    WeibullSpec,
)
from simulator.scenario.workload.populations import UsersSpec
from simulator.units.clock import NS_PER_S
from simulator.units.random_streams import RandomStreams

Times = Iterator[NDArray[np.int64]]
#: Draws that many gaps with mean one.
UnitGaps = Callable[[int], NDArray[np.float64]]

#: Arrivals drawn at a time.
BLOCK = 16_384
#: Simulated time ends here [ns]; 146 years.
END_OF_TIME = 2**62


def exponential_gaps(random: np.random.Generator) -> UnitGaps:
    """Gaps of a Poisson process."""
    return random.standard_exponential


def gamma_gaps(random: np.random.Generator, shape: float) -> UnitGaps:
    """Gamma gaps with mean one."""
    return lambda count: random.standard_gamma(shape, count) / shape


def weibull_gaps(random: np.random.Generator, shape: float) -> UnitGaps:
    """Weibull gaps with mean one."""
    scale = 1.0 / math.gamma(1.0 + 1.0 / shape)
    return lambda count: random.weibull(shape, count) * scale


def renewal(gaps: UnitGaps, rate: float) -> Times:
    """Blocks of arrival times [ns] of a renewal process with the given mean rate [1/s]."""
    mean_ns = NS_PER_S / rate
    last = 0
    while True:
        block = gaps(BLOCK) * mean_ns
        if last + float(block.sum()) > END_OF_TIME:
            raise InputError(f"a rate of {rate:g} /s takes the arrivals beyond 146 years of simulated time")
        times = last + np.cumsum(np.rint(block).astype(np.int64))
        last = int(times[-1])
        yield times


def poisson(spec: PoissonSpec, streams: RandomStreams) -> Times:
    """Poisson arrivals."""
    return renewal(exponential_gaps(streams.generator("arrivals")), spec.rate)


def gamma(spec: GammaSpec, streams: RandomStreams) -> Times:
    """Gamma gaps with vLLM's burstiness."""
    return renewal(gamma_gaps(streams.generator("arrivals"), spec.burstiness), spec.rate)


def weibull(spec: WeibullSpec, streams: RandomStreams) -> Times:
    """Weibull gaps."""
    return renewal(weibull_gaps(streams.generator("arrivals"), spec.shape), spec.rate)


def constant(spec: ConstantSpec, streams: RandomStreams) -> Times:
    """Equal gaps from time zero; arrival k lies at k / rate, so that no rounding adds up."""
    start = 0
    while True:
        index = np.arange(start, start + BLOCK, dtype=np.int64)
        if (start + BLOCK) / spec.rate * NS_PER_S > END_OF_TIME:
            raise InputError(
                f"a rate of {spec.rate:g} /s takes the arrivals beyond 146 years of simulated time"
            )
        yield np.rint(index * (NS_PER_S / spec.rate)).astype(np.int64)
        start += BLOCK


def closed_loop(spec: ClosedLoopSpec, streams: RandomStreams) -> Times:
    """Requests that wait for a free seat: the time is the cluster's to decide."""
    while True:
        yield np.zeros(BLOCK, dtype=np.int64)


def users(spec: UsersSpec, streams: RandomStreams) -> Times:
    """Requests of users: the time is the cluster's and the users' to decide."""
    while True:
        yield np.zeros(BLOCK, dtype=np.int64)
