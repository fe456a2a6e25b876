"""Users who think between an answer and their next request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.scenario.workload.gaps import GapPartSpec, GapSpec, GapsSpec
from simulator.scenario.workload.populations import UsersSpec
from simulator.units.clock import NS_PER_S
from simulator.units.random_streams import RandomStreams

Ints = NDArray[np.int64]


class GapSampler:
    """Draws gaps from a stream of random numbers, and their kinds from another where there are several."""

    def __init__(self, spec: GapsSpec, streams: RandomStreams, stream: str) -> None:
        self._random = streams.generator(stream)
        self._kinds = streams.generator(f"{stream}_kinds")
        parts: Sequence[GapSpec] = (spec,) if isinstance(spec, GapSpec) else spec.parts
        self._medians = np.array([part.median for part in parts])
        self._sigmas = np.array([part.sigma for part in parts])
        self._longest = np.array([part.max or np.inf for part in parts])
        weights = np.array([part.weight if isinstance(part, GapPartSpec) else 1.0 for part in parts])
        self._reached = np.cumsum(weights / weights.sum())

    def __call__(self, count: int) -> Ints:
        """The next gaps [ns]."""
        normal = self._random.standard_normal(count)
        kind = np.zeros(count, dtype=np.intp)
        if len(self._medians) > 1:
            kind = np.searchsorted(self._reached[:-1], self._kinds.random(count), side="right")
        seconds = self._medians[kind] * np.exp(self._sigmas[kind] * normal)
        gaps: Ints = np.rint(np.minimum(seconds, self._longest[kind]) * NS_PER_S).astype(np.int64)
        return gaps


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
        self._think = GapSampler(spec.think, streams, "think")

    def __call__(self, start: int, count: int) -> Ints:
        """Think times before the requests ``start``, ``start + 1``, ... [ns].

        The first request of each user comes after its turn to join as well.
        """
        spec = self._spec
        think = self._think(count)
        number = np.arange(start, start + count)
        joins = np.rint(number * (spec.ramp * NS_PER_S / spec.users)).astype(np.int64)
        return think + np.where(number < spec.users, joins, 0)
