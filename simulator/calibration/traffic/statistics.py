"""What is compared of a piece of traffic."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.units.clock import NS_PER_S
from simulator.workload.traffic import Traffic

Ints = NDArray[np.int64]

#: Widths of the bins of the index of dispersion [s].
WIDTHS_S = (1, 10, 60)
#: Quantiles of lengths [percent].
PERCENT = (50, 90, 99)


def index_of_dispersion(arrival_ns: Ints, width_s: float) -> float:
    """Sample variance over mean of the arrivals per bin from the first on, the last partial bin left out.

    NaN where fewer than two whole bins are there. 1 for Poisson arrivals.
    """
    if not len(arrival_ns):
        return float("nan")
    bins = (arrival_ns - arrival_ns[0]) // int(width_s * NS_PER_S)
    counts = np.bincount(bins)[:-1]
    if len(counts) < 2 or not counts.any():
        return float("nan")
    return float(counts.var(ddof=1) / counts.mean())


def rank_correlation(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Spearman's: the correlation of ranks, ties at their mean rank."""
    return float(np.corrcoef(_ranks(one), _ranks(other))[0, 1])


def _ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[inverse], dtype=np.float64)


def length_figures(traffic: Traffic) -> dict[str, float]:
    """Quantiles of prompts and outputs [tokens] and their rank correlation, by name."""
    figures = {}
    for name, lengths in (("prompt", traffic.prompt_tokens), ("output", traffic.output_tokens)):
        for percent, value in zip(PERCENT, np.percentile(lengths, PERCENT).tolist(), strict=True):
            figures[f"{name} tokens p{percent}"] = value
    figures["rank correlation"] = rank_correlation(traffic.prompt_tokens, traffic.output_tokens)
    return figures
