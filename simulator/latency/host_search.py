"""Searching a text for n-grams one sequence after the other, as vLLM's engine V0 did.

Its proposer looked at each sequence in turn: the text goes to the device, and for each length of n-gram a
handful of small operators run, with a wait for their answer. Later releases search all sequences at once on
the host, beside the device's work, for nothing that shows.
"""

from __future__ import annotations

import numpy as np

from simulator.latency.context_lines import EVERY_CONTEXT
from simulator.latency.pricer import DecodeLine, StepColumns, StepCosts
from simulator.scenario.engine_versions import version_number

#: First version that searches all sequences at once.
FIRST_SEARCH_AT_ONCE = (0, 7)
#: One sequence [ns]: copying a thousand tokens, then for up to 4 lengths 5 operators of about 10 us and a
#: wait for their answer. An estimate from the program, 0.3 to 0.6 ms; with less than 0.4 ms the slow-down
#: that was published for 8 requests per second on four H100 does not come out.
SEQUENCE_NS = 500_000


def searches_in_turn(version: str) -> bool:
    """Whether this version of vLLM searches one sequence after the other."""
    number = version_number(version)
    return number is not None and number < FIRST_SEARCH_AT_ONCE


class HostSearch:
    """A `StepPricer` of the search: so long per sequence, at no energy above idle."""

    idle_w: float | None = 0.0

    def decode_line(self, sequences: int, context: int) -> DecodeLine:
        """See `StepPricer`."""
        del context
        return DecodeLine(float(SEQUENCE_NS * sequences), 0.0, EVERY_CONTEXT)

    def step_ns(
        self,
        prefill_tokens: int,
        prefill_sequences: int,
        prefill_context: int,
        prefill_products: int,
        decode_sequences: int,
        decode_tokens: int,
        decode_context: int,
    ) -> int:
        """See `StepPricer`."""
        return SEQUENCE_NS * decode_sequences

    def costs(self, steps: StepColumns) -> StepCosts:
        """See `StepPricer`."""
        nothing = np.zeros(len(steps.duration_ns))
        return StepCosts(nothing, nothing, np.zeros(len(nothing), dtype=np.int8))
