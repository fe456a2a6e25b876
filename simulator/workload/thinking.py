"""Thinking before the answer: how long, or what share of the output."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.scenario.workload.thinking import ThinkingLengthSpec, ThinkingShareSpec, ThinkingSpec
from simulator.units.random_streams import RandomStreams
from simulator.workload.lengths import LengthTable, length_table

Floats = NDArray[np.float64]
Tokens = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class ThinkingLength:
    """Thinking with a length of its own, put before the drawn output (the answer)."""

    tokens: LengthTable
    cap: int | None
    loops: float

    @property
    def longest(self) -> int | None:
        """Longest thinking [tokens], or None where unbounded; comes on top of the output."""
        return self.tokens.last if self.tokens.bounded else None

    def split(self, output: Tokens, uniform: Floats, loop: Floats) -> tuple[Tokens, Tokens]:
        """Whole output and the thinking in it [tokens]."""
        thinking = self.tokens.draw(uniform)
        if self.cap is not None:
            thinking = np.where(loop < self.loops, np.int32(self.cap), thinking).astype(np.int32)
        return (output + thinking).astype(np.int32), thinking


@dataclass(frozen=True, slots=True)
class ThinkingShare:
    """Thinking as a share of the drawn output."""

    cumulative: Floats
    edges: Floats

    @property
    def longest(self) -> int | None:
        """Nothing comes on top of the output."""
        return 0

    def split(self, output: Tokens, uniform: Floats, loop: Floats) -> tuple[Tokens, Tokens]:
        """Whole output and the thinking in it [tokens]; one token at least is the answer's."""
        share = np.interp(uniform, self.cumulative, self.edges)
        return output, np.clip(np.rint(share * output), 0, output - 1).astype(np.int32)


Thinking = ThinkingLength | ThinkingShare


def build_thinking_length(spec: ThinkingLengthSpec) -> ThinkingLength:
    """A cap is a limit on the length, as a point mass."""
    return ThinkingLength(length_table(spec.tokens).clamped(1, spec.cap), spec.cap, spec.loops)


def build_thinking_share(spec: ThinkingShareSpec) -> ThinkingShare:
    """The histogram as a piecewise linear distribution function."""
    weights = np.asarray(spec.shares)
    cumulative = np.concatenate(([0.0], np.cumsum(weights) / weights.sum()))
    return ThinkingShare(cumulative, np.linspace(0.0, 1.0, len(cumulative)))


def build_thinking(spec: ThinkingSpec) -> Thinking:
    """The builder of whichever kind of thinking the spec describes."""
    if isinstance(spec, ThinkingShareSpec):
        return build_thinking_share(spec)
    return build_thinking_length(spec)


class ThinkingSampler:
    """Splits the outputs of one iteration, from the streams ``thinking`` and ``thinking_loops``."""

    def __init__(self, thinking: Thinking, streams: RandomStreams) -> None:
        self._thinking = thinking
        self._lengths = streams.generator("thinking")
        self._loops = streams.generator("thinking_loops")

    def __call__(self, output: Tokens) -> tuple[Tokens, Tokens]:
        """Whole outputs and the thinking in them [tokens]."""
        count = len(output)
        return self._thinking.split(output, self._lengths.random(count), self._loops.random(count))
