"""A Poisson hidden Markov model of counts per second, fitted by Baum-Welch: the ``mmpp`` arrivals.

Rabiner, "A tutorial on hidden Markov models", Proceedings of the IEEE 77 (1989), with Poisson emissions and
scaled forward and backward passes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Rates are kept above this [1/bin], so that a silent state can still explain a stray arrival.
_LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class HiddenRates:
    """States by rising rate [1/bin], shape (k,), and the chances of moving between them, shape (k, k)."""

    rates: Floats
    transition: Floats


def fit_hidden_rates(counts: Ints, states: int, rounds: int = 60) -> HiddenRates:
    """Rates and moves that make these counts most likely, from a start at quantiles of the busy bins.

    Parameters
    ----------
    counts
        Arrivals per bin, shape (n,).
    states
        Hidden states, one of them silent at first.
    """
    busy = counts[counts > 0]
    rates = np.concatenate([[0.05], np.quantile(busy, np.linspace(0.15, 0.97, states - 1))]).astype(float)
    rates += 1e-3 * np.arange(states)
    transition = np.full((states, states), 0.1 / max(states - 1, 1))
    np.fill_diagonal(transition, 0.9)
    start = np.full(states, 1.0 / states)
    for _ in range(rounds):
        likely = _likelihoods(counts, rates)
        ahead, scale = _forward(likely, transition, start)
        behind = _backward(likely, transition, scale)
        present = ahead * behind
        present /= present.sum(axis=1, keepdims=True)
        moves = transition * (ahead[:-1].T @ (likely[1:] * behind[1:] / scale[1:, None]))
        transition = moves / np.maximum(moves.sum(axis=1, keepdims=True), 1e-300)
        rates = np.maximum((present * counts[:, None]).sum(axis=0) / present.sum(axis=0), _LEAST)
        start = present[0]
    order = np.argsort(rates)
    return HiddenRates(rates[order], transition[np.ix_(order, order)])


def _likelihoods(counts: Ints, rates: Floats) -> Floats:
    """Of each count in each state, up to a factor per bin, shape (n, k)."""
    logs = counts[:, None] * np.log(rates) - rates
    return np.asarray(np.exp(logs - logs.max(axis=1, keepdims=True)))


def _forward(likely: Floats, transition: Floats, start: Floats) -> tuple[Floats, Floats]:
    """Chances of the state given the counts so far, shape (n, k), and their scales, shape (n,)."""
    ahead, scale = np.empty_like(likely), np.empty(len(likely))
    now = start * likely[0]
    for at in range(len(likely)):
        if at:
            now = (now @ transition) * likely[at]
        scale[at] = now.sum()
        now = ahead[at] = now / scale[at]
    return ahead, scale


def _backward(likely: Floats, transition: Floats, scale: Floats) -> Floats:
    behind = np.ones_like(likely)
    for at in range(len(likely) - 2, -1, -1):
        behind[at] = transition @ (likely[at + 1] * behind[at + 1]) / scale[at + 1]
    return behind
