"""Prompt and output lengths of each request, drawn together.

One uniform number decides the prompt, another the output, each from its own stream, so
that changing one distribution leaves the other's draws alone. Correlation is a Gaussian
copula: the output's normal score becomes rho * z_prompt + sqrt(1 - rho^2) * z_output,
which leaves both distributions as they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simulator.scenario.workload import WorkloadSpec
from simulator.units.random_streams import RandomStreams
from simulator.workload.importers import read_trace
from simulator.workload.lengths import LengthTable, length_table

Floats = NDArray[np.float64]
Tokens = NDArray[np.int32]


def correlated(first: Floats, second: Floats, rho: float) -> Floats:
    """``second`` made to depend on ``first``: both uniform, with normal scores correlated by ``rho``."""
    if rho == 0.0:
        return second
    from scipy.special import ndtr, ndtri

    scores: Floats = rho * ndtri(first) + math.sqrt(1.0 - rho**2) * ndtri(second)
    return np.asarray(ndtr(scores))


class LengthModel(Protocol):
    """Joint distribution of prompt and output length.

    Attributes
    ----------
    longest
        Longest prompt + output [tokens], or None where unbounded.
    """

    @property
    def longest(self) -> int | None: ...

    def sampler(self, streams: RandomStreams) -> LengthSampler:
        """A fresh sampler; the same streams give the same lengths."""
        ...


class LengthSampler(Protocol):
    """Draws the next requests' lengths."""

    def __call__(self, count: int) -> tuple[Tokens, Tokens]:
        """Prompt and output lengths [tokens] of the next ``count`` requests, shape (count,) each."""
        ...


@dataclass(frozen=True, slots=True)
class PairModel:
    """One distribution of prompts, one of outputs, and their correlation."""

    prompt: LengthTable
    output: LengthTable
    correlation: float

    @property
    def longest(self) -> int | None:
        """Sum of the two limits."""
        return self.prompt.last + self.output.last if self.prompt.bounded and self.output.bounded else None

    def sampler(self, streams: RandomStreams) -> LengthSampler:
        """Draws from the streams ``prompt_tokens`` and ``output_tokens``."""
        prompts, outputs = streams.generator("prompt_tokens"), streams.generator("output_tokens")

        def draw(count: int) -> tuple[Tokens, Tokens]:
            first, second = prompts.random(count), outputs.random(count)
            return self.prompt.draw(first), self.output.draw(correlated(first, second, self.correlation))

        return draw


@dataclass(frozen=True, slots=True)
class ClassModel:
    """Several kinds of requests by share, each with its own pair of distributions."""

    shares: Floats
    pairs: tuple[PairModel, ...]

    @property
    def longest(self) -> int | None:
        """The longest of any kind."""
        longest = [pair.longest for pair in self.pairs]
        return None if None in longest else max(length for length in longest if length is not None)

    def sampler(self, streams: RandomStreams) -> LengthSampler:
        """Draws the kind from the stream ``request_class`` and the lengths as ``PairModel`` does."""
        kinds = streams.generator("request_class")
        prompts, outputs = streams.generator("prompt_tokens"), streams.generator("output_tokens")
        upto = np.cumsum(self.shares / self.shares.sum())[:-1]

        def draw(count: int) -> tuple[Tokens, Tokens]:
            kind = np.searchsorted(upto, kinds.random(count), side="right")
            first, second = prompts.random(count), outputs.random(count)
            prompt, output = np.empty(count, np.int32), np.empty(count, np.int32)
            for index, pair in enumerate(self.pairs):
                here = np.flatnonzero(kind == index)
                prompt[here] = pair.prompt.draw(first[here])
                output[here] = pair.output.draw(correlated(first[here], second[here], pair.correlation))
            return prompt, output

        return draw


@dataclass(frozen=True, slots=True)
class RowModel:
    """Rows of a trace, drawn with replacement."""

    prompt: Tokens
    output: Tokens

    @property
    def longest(self) -> int | None:
        """The longest row."""
        return int((self.prompt + self.output).max())

    def sampler(self, streams: RandomStreams) -> LengthSampler:
        """Draws from the stream ``rows``."""
        rows = streams.generator("rows")

        def draw(count: int) -> tuple[Tokens, Tokens]:
            index = (rows.random(count) * len(self.prompt)).astype(np.intp)
            return self.prompt[index], self.output[index]

        return draw


def length_model(spec: WorkloadSpec, base_dir: Path | None) -> LengthModel:
    """The joint distribution that a workload with generated arrivals describes."""
    if spec.rows is not None:
        trace = read_trace(spec.rows.file, spec.rows.format, base_dir)
        return RowModel(trace.traffic.prompt_tokens, trace.traffic.output_tokens)
    if spec.classes is not None:
        pairs = [
            PairModel(length_table(kind.prompt_tokens), length_table(kind.output_tokens), spec.correlation)
            for kind in spec.classes
        ]
        return ClassModel(np.asarray([kind.share for kind in spec.classes]), tuple(pairs))
    assert spec.prompt_tokens is not None and spec.output_tokens is not None  # the spec holds this
    return PairModel(length_table(spec.prompt_tokens), length_table(spec.output_tokens), spec.correlation)
