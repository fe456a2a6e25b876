"""Which draft tokens a verification accepts, how many are worth drafting, and what came of it.

The number of drafts that a verification accepts is drawn from the chances that at least 1, 2, ... of them
are; it is the same process for all requests. Left out: that acceptance differs from text to text.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator.latency.pricer import Step, StepPricer

#: Verifications drawn per request; a longer output begins them again.
PATTERN = 128
#: Contexts are taken as equal, for the choice of a number of drafts, up to this part of a doubling.
_CONTEXT_BITS = 3


class DraftAcceptance:
    """Draws the acceptances of one request after the other.

    Parameters
    ----------
    positions
        Chance that at least 1, 2, ... drafts are accepted; does not rise.
    random
        Where the draws come from.
    """

    def __init__(self, positions: Sequence[float], random: np.random.Generator) -> None:
        self._rejected = 1.0 - np.asarray(positions, dtype=float)
        self._random = random

    def pattern(self) -> tuple[int, ...]:
        """Draft tokens accepted by the first, second, ... verification of a request."""
        drawn = self._random.random(PATTERN)
        return tuple(np.searchsorted(self._rejected, drawn, side="right").tolist())


class DraftLength:
    """How many drafts promise the most tokens per second for a batch (SmartSpec, arXiv 2406.14066).

    Expected tokens of a verification over the time of its step, both known: the acceptance from the
    scenario, the time from the pricer. A real server estimates both as it goes.
    """

    def __init__(self, positions: Sequence[float], pricer: StepPricer) -> None:
        self._expected: list[float] = [1.0, *(1.0 + np.cumsum(positions)).tolist()]
        self._pricer = pricer
        self._known: dict[tuple[int, int], int] = {}

    def __call__(self, sequences: int, context: int) -> int:
        """Drafts per decode for so many decodes with so much context in all [tokens]."""
        if not sequences:
            return len(self._expected) - 1
        shift = max(context.bit_length() - 1 - _CONTEXT_BITS, 0)
        key = (sequences, context >> shift << shift)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._best(sequences, key[1])
        return found

    def _best(self, sequences: int, context: int) -> int:
        def rate(drafts: int) -> float:
            time = self._pricer.step_ns(*Step.of_verifications(sequences, drafts, context))
            return self._expected[drafts] / max(time, 1)

        return max(range(len(self._expected)), key=rate)


class DraftStats:
    """Verifications, drafts that they were given, and how many accepted at least 1, 2, ... of them."""

    __slots__ = ("_accepted", "_most", "drafted", "verifications")

    def __init__(self, most: int) -> None:
        self._most = most
        self.begin_to_count()

    def begin_to_count(self) -> None:
        """What has been counted so far is left out."""
        self.verifications = self.drafted = 0
        self._accepted = [0] * (self._most + 1)

    def record(self, drafts: int, accepted: int) -> None:
        """Count one verification."""
        self.verifications += 1
        self.drafted += drafts
        self._accepted[accepted] += 1

    @property
    def accepted_by_position(self) -> tuple[int, ...]:
        """Verifications that accepted the first, second, ... draft."""
        at_least = np.cumsum(self._accepted[::-1])[::-1]
        return tuple(at_least[1:].tolist())
