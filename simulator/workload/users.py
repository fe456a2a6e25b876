"""Users who think between an answer and their next request."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.scenario.workload.gaps import GapSpec
from simulator.scenario.workload.populations import UsersSpec
from simulator.units.clock import NS_PER_S
from simulator.units.random_streams import RandomStreams

Ints = NDArray[np.int64]


def draw_gaps(spec: GapSpec, normal: NDArray[np.float64]) -> Ints:
    """Times [ns] at the given normal scores."""
    seconds = spec.median * np.exp(spec.sigma * normal)
    if spec.max is not None:
        seconds = np.minimum(seconds, spec.max)
    return np.rint(seconds * NS_PER_S).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Users:
    """The users of a workload."""

    spec: UsersSpec

    def sampler(self, streams: RandomStreams) -> ThinkSampler:
        """A fresh sampler of think times."""
        return ThinkSampler(self.spec, streams)


class ThinkSampler:
    """Draws the think times of one iteration from the stream ``think``."""

    def __init__(self, spec: UsersSpec, streams: RandomStreams) -> None:
        self._spec = spec
        self._random = streams.generator("think")

    def __call__(self, start: int, count: int) -> Ints:
        """Think times before the requests ``start``, ``start + 1``, ... [ns].

        The first request of each user comes after its turn to join as well.
        """
        spec = self._spec
        think = draw_gaps(spec.think, self._random.standard_normal(count))
        number = np.arange(start, start + count)
        joins = np.rint(number * (spec.ramp * NS_PER_S / spec.users)).astype(np.int64)
        return think + np.where(number < spec.users, joins, 0)
