"""System prompts: fixed texts that many prompts start with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.scenario.workload import SharedPrefixSpec
from simulator.units.random_streams import RandomStreams
from simulator.workload.lengths import LengthTable, length_table

#: The text number of a prompt without one.
NONE = -1


class SharedPrefixes:
    """The texts of a workload: their lengths and popularity."""

    def __init__(self, spec: SharedPrefixSpec, streams: RandomStreams) -> None:
        table: LengthTable = length_table(spec.tokens)
        popularity = np.arange(1, spec.count + 1, dtype=np.float64) ** -spec.skew
        self._share = spec.share
        self._upto = np.cumsum(popularity / popularity.sum())[:-1]
        self.tokens = table.draw(streams.generator("prefix_tokens").random(spec.count))

    @property
    def longest(self) -> int:
        """Longest text [tokens]."""
        return int(self.tokens.max())

    def sampler(self, streams: RandomStreams) -> PrefixSampler:
        """A fresh sampler of which prompt starts with which text."""
        return PrefixSampler(self._share, self._upto, self.tokens, streams)


class PrefixSampler:
    """Chooses the texts of one iteration, from the streams ``prefix_share`` and ``prefix``."""

    def __init__(
        self,
        share: float,
        upto: NDArray[np.float64],
        tokens: NDArray[np.int32],
        streams: RandomStreams,
    ) -> None:
        self._probability = share
        self._upto = upto
        self._tokens = tokens
        self._shares = streams.generator("prefix_share")
        self._texts = streams.generator("prefix")

    def __call__(self, count: int) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
        """Number of the text (``NONE`` without) and its length [tokens], shape (count,) each."""
        text = np.searchsorted(self._upto, self._texts.random(count), side="right")
        text = np.where(self._shares.random(count) < self._probability, text, NONE)
        return text, np.where(text == NONE, 0, self._tokens[text]).astype(np.int32)
