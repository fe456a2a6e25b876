"""Majority of k samples: what voting adds to pass@1, and where it levels off.

Across models the accuracy of a vote of k follows the exponentiated power law through pass@1 that coverage
follows, with one exponent for all models and a plateau once the vote is settled:

    cons@k = pass@1 ** (min(k, K) ** -e),     K = 64

The exponent is fitted by least absolute deviations to published pairs of pass@1 and cons@64; no source seen
has larger votes, so nothing is claimed to be gained beyond 64. For one problem a large vote is right if the
right answer is the most common one, and wrong otherwise, whatever its size.

References: DeepSeek-R1 README (pairs); Wang et al., arXiv 2203.11171; Wu et al., arXiv 2408.00724 (plateau).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import median

#: Largest vote that published pairs know.
SETTLED = 64
#: Exponents that the fit looks at.
_SHARES = [i / 1000 for i in range(50, 1000)]


@dataclass(frozen=True, slots=True)
class VotePair:
    """What a model reaches alone and by a vote of 64, as shares."""

    model: str
    pass_at_1: float
    cons_at_64: float


def vote_accuracy(pass_at_1: float, votes: float, exponent: float) -> float:
    """Share of problems that a majority of ``votes`` gets right."""
    return float(pass_at_1 ** (min(votes, SETTLED) ** -exponent))


def fit_vote_exponent(pairs: Sequence[VotePair]) -> float:
    """The shared exponent, by least absolute deviations."""

    def deviation(share: float) -> float:
        return sum(abs(float(pair.pass_at_1**share) - pair.cons_at_64) for pair in pairs)

    return -log(min(_SHARES, key=deviation)) / log(SETTLED)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A model predicted from all others."""

    pair: VotePair
    exponent: float
    predicted: float

    @property
    def error_points(self) -> float:
        """Predicted less published [percentage points]."""
        return 100.0 * (self.predicted - self.pair.cons_at_64)


def leave_one_out(pairs: Sequence[VotePair]) -> list[LeftOut]:
    """Every model's cons@64 from its pass@1 and an exponent fitted without it."""
    found = []
    for pair in pairs:
        exponent = fit_vote_exponent([other for other in pairs if other is not pair])
        found.append(LeftOut(pair, exponent, vote_accuracy(pair.pass_at_1, SETTLED, exponent)))
    return found


def median_error(found: Sequence[LeftOut]) -> float:
    """Median absolute error [percentage points]."""
    return median(abs(one.error_points) for one in found)


def concentration(pass_at_1: float, consensus: float, wrong_agreement: float) -> float:
    """How alike problems are: s of p_i ~ Beta(s p, s (1 - p)) for which a settled vote reaches ``consensus``.

    A settled vote is right where p_i > w (1 - p_i). A small s means problems that are nearly always or
    nearly never solved, where voting adds little. Where no s reaches the consensus, the nearest one.
    """
    from scipy.special import betainc

    threshold = wrong_agreement / (1.0 + wrong_agreement)
    grid = [exp(x / 20.0) for x in range(-120, 81)]
    right = [
        1.0 - float(betainc(s * pass_at_1, s * (1.0 - pass_at_1), threshold)) if threshold else 1.0
        for s in grid
    ]
    return min(zip(grid, right, strict=True), key=lambda pair: abs(pair[1] - consensus))[0]
