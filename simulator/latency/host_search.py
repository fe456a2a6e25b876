"""Searching the text of each sequence for the n-gram it ends in: work of the host before a verification.

vLLM's engine V0 looked at each sequence in turn: the text goes to the device, and for each length of n-gram
from the longest down a handful of small operators run, with a wait for their answer; a match becomes drafts
with their probabilities over the whole vocabulary. Later releases run one compiled pass over each text
(Knuth, Morris and Pratt's).

Both programs were written again from knowledge of vLLM's code and timed on one machine (NVIDIA H200, PyTorch
2.11, CUDA 13, numba; 4 drafts, n-grams of 4 down to 1 token, vocabulary of 128,256; medians):

======================================  ==========  ============  ============
time of one sequence                    256 tokens  1,000 tokens  4,000 tokens
======================================  ==========  ============  ============
engine V0, the longest n-gram matches       336 us        441 us        767 us
engine V0, only the last token does         546 us        641 us      1,018 us
engine V0, nothing does                     315 us        406 us        733 us
compiled, words by Zipf's law               1.2 us        2.9 us        8.5 us
======================================  ==========  ============  ============

Where drafts are worth it the longest n-gram matches most of the time, so that row is taken. The software of
2024 was slower if anything. The compiled pass is charged as if one thread made it; recent releases use up to
eight.
"""

from __future__ import annotations

import numpy as np

from simulator.latency.context_lines import EVERY_CONTEXT
from simulator.latency.pricer import DecodeLine, StepColumns, StepCosts
from simulator.scenario.engine_versions import version_number

#: First version with a compiled search.
FIRST_COMPILED = (0, 7)


class HostSearch:
    """A `StepPricer` of the search, at no energy above idle.

    Parameters
    ----------
    sequence_ns
        Time of one sequence [ns] besides
    token_ns
        that of each token of its text [ns].
    """

    idle_w: float | None = 0.0

    def __init__(self, sequence_ns: int, token_ns: int) -> None:
        self._sequence_ns, self._token_ns = sequence_ns, token_ns

    def decode_line(self, sequences: int, context: int) -> DecodeLine:
        """See `StepPricer`."""
        end = max(context, EVERY_CONTEXT)
        return DecodeLine(self._sequence_ns * sequences, self._token_ns * sequences, 0, end)

    def step_ns(self, *step: int) -> int:
        """See `StepPricer`."""
        _, _, _, _, decode_sequences, _, decode_context = step
        return self._sequence_ns * decode_sequences + self._token_ns * decode_context

    def costs(self, steps: StepColumns) -> StepCosts:
        """See `StepPricer`."""
        nothing = np.zeros(len(steps.duration_ns))
        return StepCosts(nothing, nothing, np.zeros(len(nothing), dtype=np.int8))


#: Straight lines through the rows of the table, within 4 % and 15 %.
ON_THE_DEVICE = HostSearch(sequence_ns=320_000, token_ns=112)
COMPILED = HostSearch(sequence_ns=800, token_ns=2)


def search_of(version: str) -> HostSearch:
    """How this version of vLLM searches; the newest way where it is no number."""
    number = version_number(version)
    return ON_THE_DEVICE if number is not None and number < FIRST_COMPILED else COMPILED
