"""Independent clients superposed (ServeGen, arXiv 2505.09999).

Every client is a renewal process of its own with its own random stream, so that adding a
client leaves the others' arrivals as they were. Their arrivals are merged window by window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.scenario.workload.populations import ClientsSpec
from simulator.units.clock import NS_PER_S
from simulator.units.random_streams import RandomStreams
from simulator.workload.arrivals.renewal import BLOCK, Times, UnitGaps, gamma_gaps, weibull_gaps

Floats = NDArray[np.float64]


def weibull_shape(cv: float) -> float:
    """Shape of a Weibull distribution with this coefficient of variation.

    cv^2 = Gamma(1 + 2/k) / Gamma(1 + 1/k)^2 - 1 falls with k.
    """
    from scipy.optimize import brentq
    from scipy.special import gammaln

    def excess(log_k: float) -> float:
        k = np.exp(log_k)
        return float(gammaln(1 + 2 / k) - 2 * gammaln(1 + 1 / k) - np.log1p(cv**2))

    return float(np.exp(brentq(excess, np.log(0.05), np.log(200.0))))


def gaps_with_cv(family: str, cv: float, random: np.random.Generator) -> UnitGaps:
    """Gaps with mean one and this coefficient of variation."""
    if family == "gamma":
        return gamma_gaps(random, 1.0 / cv**2)
    return weibull_gaps(random, weibull_shape(float(np.clip(cv, 0.01, 100.0))))


class ClientArrivals:
    """One client's arrivals, asked for window by window.

    The client lives in operational time, in which its rate is one; a window of ``rate`` and
    length takes rate * length of it. So its rate may change between windows and its bursts
    stretch with it.
    """

    def __init__(self, gaps: UnitGaps) -> None:
        self._gaps = gaps
        self._ahead = gaps(16)
        self._ahead[0] *= 0.5  # a client that was there before is half way through a gap

    def within(self, start_s: float, length_s: float, rate: float) -> Floats:
        """Arrival times in a window [s]."""
        end = rate * length_s
        if end <= 0.0:
            return np.empty(0)
        while self._ahead.sum() <= end:
            more = max(16, int(end - self._ahead.sum()) + 16)
            self._ahead = np.concatenate((self._ahead, self._gaps(more)))
        reached = np.cumsum(self._ahead)
        count = int(np.searchsorted(reached, end))
        times = start_s + reached[:count] / rate
        left = reached[count] - end
        self._ahead = np.concatenate(([left], self._ahead[count + 1 :]))
        return np.asarray(times)


@dataclass(frozen=True, slots=True)
class Population:
    """Rate of each client [1/s] and how its gaps vary."""

    rates: Floats
    cvs: Floats


def population(spec: ClientsSpec, streams: RandomStreams) -> Population:
    """The clients of a workload, scaled to its rate."""
    random = streams.generator("clients")
    rates = np.exp(spec.rate_sigma * random.standard_normal(spec.clients))
    cvs = spec.cv * np.exp(spec.cv_sigma * random.standard_normal(spec.clients))
    return Population(spec.rate * rates / rates.sum(), cvs)


def clients(spec: ClientsSpec, streams: RandomStreams) -> Times:
    """Blocks of arrival times [ns] of all clients together."""
    people = population(spec, streams)
    each = [
        ClientArrivals(gaps_with_cv(spec.gaps, cv, streams.generator(f"client {number}")))
        for number, cv in enumerate(people.cvs.tolist())
    ]
    window_s = BLOCK / spec.rate
    start = 0
    while True:
        times = merged(each, people.rates.tolist(), start * window_s, window_s)
        if len(times):
            yield times
        start += 1


def merged(
    each: Sequence[ClientArrivals], rates: Sequence[float], start_s: float, length_s: float
) -> NDArray[np.int64]:
    """All clients' arrivals in one window, in order [ns]."""
    parts = [client.within(start_s, length_s, rate) for client, rate in zip(each, rates, strict=True)]
    return np.rint(np.sort(np.concatenate(parts)) * NS_PER_S).astype(np.int64)
