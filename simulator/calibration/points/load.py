"""The requests of an operating point: so many in flight, so many at once, or so many a second."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.units.clock import NS_PER_S
from simulator.workload.traffic import Piece, Traffic

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]


@dataclass(slots=True)
class Load:
    """A `RequestSource` of given requests.

    ``concurrency`` requests are kept in flight; None: they come at their own times. The first
    ``under_way`` only stand for those that were running before. ``rounds``: how often every seat was
    taken in the benchmark that these stand for, where that is more often than here.
    """

    traffic: Traffic
    concurrency: int | None
    under_way: int = 0
    rounds: float | None = None
    ends_on_stop: bool = False
    max_total_tokens: int | None = None

    def chunks(self) -> Iterator[Traffic]:
        """All requests at once."""
        yield self.traffic

    def __len__(self) -> int:
        return len(self.traffic)

    @property
    def weights(self) -> Floats:
        """How much each request counts [1], shape (n,).

        The first and the last of every seat meet a server that fills or drains; in a long benchmark they
        are fewer than here.
        """
        weights = np.ones(len(self))
        seats, rounds = self.concurrency, self.rounds
        if seats is None or rounds is None or len(self) <= 3 * seats:
            return weights
        edge = np.zeros(len(self), dtype=np.bool_)
        edge[:seats] = edge[-seats:] = True
        weights[edge] = len(self) / (rounds * seats)
        weights[~edge] = (1.0 - 2.0 / rounds) * len(self) / (len(self) - 2 * seats)
        return weights


def closed_loop(
    prompts: Ints,
    outputs: Ints,
    concurrency: int,
    under_way: int = 0,
    pieces: list[tuple[Piece, ...]] | None = None,
    rounds: float | None = None,
) -> Load:
    """Requests one after another, so many in flight; the first ``under_way`` fill the seats."""
    return Load(_traffic(prompts, outputs, pieces), concurrency, under_way=under_way, rounds=rounds)


def static_batch(prompt_tokens: float, output_tokens: float, size: int) -> Load:
    """Equal requests that all come at once."""
    prompts, outputs = fixed(prompt_tokens, size), fixed(output_tokens, size)
    return Load(_traffic(prompts, outputs), None)


def open_loop(
    prompts: Ints, outputs: Ints, per_second: float, seed: int, pieces: list[tuple[Piece, ...]] | None = None
) -> Load:
    """Poisson arrivals of so many requests a second."""
    gaps = np.random.default_rng(seed).exponential(NS_PER_S / per_second, len(prompts))
    arrivals = np.cumsum(gaps).astype(np.int64)
    return Load(Traffic(arrivals, prompts, outputs, pieces=pieces), None)


def fixed(tokens: float, count: int) -> Ints:
    """Equal lengths, shape (count,)."""
    return np.full(count, max(round(tokens), 1), dtype=np.int32)


def uniform(low: float, high: float, count: int, seed: int) -> Ints:
    """Lengths equally likely from ``low`` to ``high``, shape (count,)."""
    draws = np.random.default_rng(seed).integers(max(round(low), 1), max(round(high), 1) + 1, count)
    return draws.astype(np.int32)


def gamma(mean: float, variation: float, count: int, seed: int) -> Ints:
    """Lengths of a gamma distribution with this mean and coefficient of variation, shape (count,)."""
    shape = variation**-2
    draws = np.random.default_rng(seed).gamma(shape, mean / shape, count)
    return np.maximum(np.rint(draws), 1).astype(np.int32)


def _traffic(prompts: Ints, outputs: Ints, pieces: list[tuple[Piece, ...]] | None = None) -> Traffic:
    return Traffic(np.zeros(len(prompts), dtype=np.int64), prompts, outputs, pieces=pieces)
