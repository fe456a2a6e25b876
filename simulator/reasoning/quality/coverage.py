"""Coverage: the share of problems that at least one of k samples solves.

Two forms. With a chance p_i per problem, p_i ~ Beta(a, b),

    coverage(k) = 1 - B(a, b + k) / B(a, b),

whose failures fall as k^-a; and the exponentiated power law c(k) = exp(ln(c(1)) k^-e) seen in
repeated sampling. Reference: Brown et al., Large Language Monkeys, arXiv 2407.21787.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, lgamma, log


@dataclass(frozen=True, slots=True)
class BetaProblems:
    """Problems whose chances of a right answer are Beta(alpha, beta) distributed."""

    alpha: float
    beta: float

    @property
    def pass_at_1(self) -> float:
        """Mean chance."""
        return self.alpha / (self.alpha + self.beta)

    def coverage(self, samples: float) -> float:
        """Share of problems that at least one of ``samples`` solves."""
        failure = lgamma(self.beta + samples) - lgamma(self.alpha + self.beta + samples)
        failure += lgamma(self.alpha + self.beta) - lgamma(self.beta)
        return 1.0 - exp(failure)


def fit_beta_problems(pass_at_1: float, samples: float, coverage: float) -> BetaProblems:
    """The Beta distribution through pass@1 and one point of the coverage curve.

    Two points and two parameters: a fit, not a prediction; it only says what happens between and beyond.
    """

    def at(concentration: float) -> BetaProblems:
        return BetaProblems(pass_at_1 * concentration, (1.0 - pass_at_1) * concentration)

    low, high = 1e-4, 1e4
    for _ in range(200):
        middle = (low * high) ** 0.5
        if at(middle).coverage(samples) < coverage:
            low = middle
        else:
            high = middle
    return at((low * high) ** 0.5)


def power_law(pass_at_1: float, samples: float, exponent: float) -> float:
    """Exponentiated power law through pass@1: c(k) = exp(ln(c(1)) k^-e)."""
    return exp(log(pass_at_1) * samples**-exponent)


def fit_exponent(pass_at_1: float, samples: float, coverage: float) -> float:
    """Exponent of the exponentiated power law through pass@1 and one more point."""
    return -log(log(coverage) / log(pass_at_1)) / log(samples)
