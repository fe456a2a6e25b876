"""Which draft tokens a verification accepts: each with one chance, once all before it were.

The number accepted is geometric, cut off by the drafts there are. Left out: that acceptance
differs between texts and falls along the draft.
"""

from __future__ import annotations

import numpy as np

#: Verifications drawn per request; a longer output begins them again.
PATTERN = 128


class DraftAcceptance:
    """Draws the acceptances of one request after the other.

    Parameters
    ----------
    chance
        That a draft token is accepted, between 0 and 1.
    most
        Draft tokens per verification.
    random
        Where the draws come from.
    """

    def __init__(self, chance: float, most: int, random: np.random.Generator) -> None:
        self._chance = chance
        self._most = most
        self._random = random

    def pattern(self) -> tuple[int, ...]:
        """Draft tokens accepted by the first, second, ... verification of a request."""
        accepted = self._random.random((PATTERN, self._most)) < self._chance
        return tuple(np.logical_and.accumulate(accepted, axis=1).sum(axis=1).tolist())
