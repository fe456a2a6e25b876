"""The vote of k samples on problems whose chances differ: what the model of a task set itself gives, exactly.

A ballot is right with the problem's chance p ~ Beta(a, b); of the wrong ones a share w agrees with each other
and the rest agrees with nothing. Of equals the answer that came first wins. With p integrated out, ballots
are drawn from Polya's urn: after r right ones among t the next is right with probability
(a + r) / (a + b + t). A whole vote needs only the numbers of each kind,

    P(right) = sum over r of BetaBinomial(r; k, a, b) P(right elected | r, k),

one that stops early is followed ballot by ballot. Ballots are exchangeable and the rule for stopping does not
tell answers apart, so that of two equals each came first as often as the other, wherever a vote ends.

References: Wang et al., Self-Consistency, arXiv 2203.11171; Aggarwal et al., arXiv 2305.11860 (early stop).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.reasoning.quality.coverage import BetaProblems

Floats = NDArray[np.float64]


def vote_right(problems: BetaProblems, wrong_agreement: float, samples: int) -> float:
    """Share of problems that a vote of ``samples`` gets right, all ballots counted."""
    from scipy.stats import betabinom, binom

    right = np.arange(samples + 1)
    fewer: Floats = np.asarray(binom.cdf(right - 1, samples - right, wrong_agreement))
    as_many: Floats = np.asarray(binom.pmf(right, samples - right, wrong_agreement))
    elected = fewer + as_many / 2.0
    elected[0] = 0.0
    elected[1] = (fewer[1] + as_many[1]) / samples  # every answer was given once
    return float((betabinom.pmf(right, samples, problems.alpha, problems.beta) * elected).sum())


def stopped_vote_right(
    problems: BetaProblems, wrong_agreement: float, samples: int, early_stop: float, least: int
) -> float:
    """Share of problems right where a vote stops once ``early_stop`` of at least ``least`` ballots agree.

    Work grows as ``samples``^3: for votes of some hundreds.
    """
    found = 0.0
    going = np.ones((1, 1))  # chance that the vote goes on, by right ballots and by wrong ones that agree
    for cast in range(1, samples + 1):
        going = _one_more(going, cast - 1, problems, wrong_agreement)
        if cast == samples:
            found += float((going * _elected(cast)).sum())
        elif cast >= least:
            ends = _agreeing(cast) >= early_stop * cast
            found += float((going * _elected(cast))[ends].sum())
            going[ends] = 0.0
    return found


def _one_more(going: Floats, cast: int, problems: BetaProblems, wrong_agreement: float) -> Floats:
    """The chances after another ballot."""
    right = np.arange(cast + 1)[:, None]
    is_right = (problems.alpha + right) / (problems.alpha + problems.beta + cast)
    wrong = going * (1.0 - is_right)
    more = np.zeros((cast + 2, cast + 2))
    more[1:, :-1] += going * is_right
    more[:-1, 1:] += wrong * wrong_agreement
    more[:-1, :-1] += wrong * (1.0 - wrong_agreement)
    return more


def _agreeing(cast: int) -> NDArray[np.int64]:
    """Ballots of the most common answer; some answer has one."""
    kinds = np.arange(cast + 1)
    return np.maximum(np.maximum(kinds[:, None], kinds[None, :]), 1)


def _elected(cast: int) -> Floats:
    """Chance that the right answer leads, by right ballots and by wrong ones that agree."""
    kinds = np.arange(cast + 1)
    right, alike = kinds[:, None], kinds[None, :]
    elected = (right > alike) + (right == alike) / 2.0
    elected[0] = 0.0
    elected[1, :2] = 1.0 / cast  # every answer was given once
    return np.asarray(elected)
