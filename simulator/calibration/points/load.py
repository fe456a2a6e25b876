"""The requests of an operating point: so many in flight, so many at once, or so many a second."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.units.clock import NS_PER_S
from simulator.workload.traffic import Piece, Traffic

Ints = NDArray[np.int32]


@dataclass(slots=True)
class Load:
    """A `RequestSource` of given requests.

    ``concurrency`` requests are kept in flight; None: they come at their own times. The first
    ``under_way`` only stand for those that were running before.
    """

    traffic: Traffic
    concurrency: int | None
    under_way: int = 0
    ends_on_stop: bool = False
    max_total_tokens: int | None = None

    def chunks(self) -> Iterator[Traffic]:
        """All requests at once."""
        yield self.traffic

    def __len__(self) -> int:
        return len(self.traffic)


def closed_loop(prompts: Ints, outputs: Ints, concurrency: int) -> Load:
    """Requests one after another, so many in flight."""
    return Load(_traffic(prompts, outputs), concurrency)


def steady_loop(prompt_tokens: float, outputs: Ints, concurrency: int, seed: int) -> Load:
    """Requests with these outputs, so many in flight, in steady state from the start.

    The first ``concurrency`` stand for requests under way: outputs found running are long ones, in
    proportion to their length, and what they have said already counts as prompt.
    """
    random = np.random.default_rng(seed)
    found = random.choice(outputs, concurrency, p=outputs / outputs.sum())
    said = (random.random(concurrency) * found).astype(np.int32)
    first = np.maximum(found - said, 1).astype(np.int32)
    prompts = fixed(prompt_tokens, concurrency + len(outputs))
    prompts[:concurrency] += said
    return Load(_traffic(prompts, np.concatenate([first, outputs])), concurrency, under_way=concurrency)


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


def _traffic(prompts: Ints, outputs: Ints) -> Traffic:
    return Traffic(np.zeros(len(prompts), dtype=np.int64), prompts, outputs)
