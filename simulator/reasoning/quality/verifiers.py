"""The best of k candidates by a noisy score (signal detection).

Right candidates score N(d', 1), wrong ones N(0, 1), and the highest score wins. With r right among k,

    P(right) = integral of  d/dx [Phi(x - d')^r]  Phi(x)^(k - r) dx,

averaged over r ~ Binomial(k, p_i) and p_i ~ Beta. d' = 0 is one sample; d' to infinity is coverage.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.reasoning.quality.coverage import BetaProblems

Floats = NDArray[np.float64]


def chosen_right(right: Floats, samples: int, d_prime: float) -> Floats:
    """Chance that the best score is a right candidate's, for numbers of right ones among ``samples``."""
    from scipy.special import ndtr

    x = np.linspace(-9.0, 9.0 + d_prime, 2001)[:, None]
    of_right = ndtr(x - d_prime) ** right
    of_wrong = ndtr(x) ** (samples - right)
    density = np.diff(of_right, axis=0)
    return np.asarray((density * (of_wrong[1:] + of_wrong[:-1]) / 2.0).sum(axis=0))


def best_of_accuracy(problems: BetaProblems, samples: int, d_prime: float) -> float:
    """Share of problems that the best of ``samples`` by score gets right."""
    from scipy.stats import betabinom

    right = np.arange(samples + 1, dtype=float)
    weights = betabinom.pmf(right, samples, problems.alpha, problems.beta)
    return float((weights * chosen_right(right, samples, d_prime)).sum())
