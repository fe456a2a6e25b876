"""Mean, spread and percentiles of latencies, under the definitions of ``vllm bench serve``.

Percentiles are linearly interpolated between order statistics and the standard deviation
is that of the population (numpy's defaults, which vLLM uses). Inter-token latencies come as
a weighted histogram with logarithmic bins; their mean is exact, their percentiles are
interpolated inside a bin on the logarithmic scale.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from simulator.results.recording import Floats, Ints, LatencyHistogram

#: Percentiles given for every latency.
PERCENTILES = (50, 90, 95, 99)
NS_PER_MS = 1e6


#: Statistics of a distribution that a summary says.
STATISTICS = ("mean", "median", "std", "p50", "p90", "p95", "p99")


@dataclass(frozen=True, slots=True)
class Distribution:
    """One latency over many requests [ms]. ``count`` values went into it, at least one."""

    count: int
    mean: float
    std: float
    p50: float
    p90: float
    p95: float
    p99: float

    @property
    def median(self) -> float:
        """The 50th percentile [ms]."""
        return self.p50


def keys_of(
    latencies: Mapping[str, Distribution | None], statistics: Sequence[str] = STATISTICS
) -> dict[str, float | None]:
    """Statistics of latencies [ms] as ``mean_ttft_ms``, ...; None where there is no distribution."""
    return {
        f"{statistic}_{name}_ms": None if values is None else getattr(values, statistic)
        for name, values in latencies.items()
        for statistic in statistics
    }


def distribution_of(values_ms: Floats) -> Distribution | None:
    """Distribution of plain values [ms], shape (n,); None where there are none."""
    if len(values_ms) == 0:
        return None
    p50, p90, p95, p99 = (float(p) for p in np.percentile(values_ms, PERCENTILES))
    return Distribution(len(values_ms), float(values_ms.mean()), float(values_ms.std()), p50, p90, p95, p99)


def distribution_of_histogram(histogram: LatencyHistogram) -> Distribution | None:
    """Distribution of a weighted histogram; None where it is empty."""
    if histogram.total == 0:
        return None
    mean = histogram.sum_ns / histogram.total
    p50, p90, p95, p99 = (histogram_quantile(histogram, p / 100) / NS_PER_MS for p in PERCENTILES)
    return Distribution(
        histogram.total, mean / NS_PER_MS, _histogram_std_ns(histogram, mean) / NS_PER_MS, p50, p90, p95, p99
    )


def bin_edges_ns(histogram: LatencyHistogram) -> Floats:
    """Edges of the bins [ns], shape (bins + 1,)."""
    return histogram.lowest_ns * histogram.ratio ** np.arange(len(histogram.count) + 1, dtype=float)


def histogram_quantile(histogram: LatencyHistogram, share: float) -> float:
    """Value [ns] below which ``share`` of the weight lies; the histogram must not be empty."""
    cumulative = np.cumsum(histogram.count)
    wanted = share * cumulative[-1]
    index = int(np.searchsorted(cumulative, wanted, side="left"))
    # Leading empty bins are skipped: a share of 0 is the lower edge of the first full bin.
    index = max(index, int(np.argmax(histogram.count > 0)))
    below = cumulative[index] - histogram.count[index]
    inside = (wanted - below) / histogram.count[index]
    return float(histogram.lowest_ns * histogram.ratio ** (index + inside))


def merge_histograms(histograms: Iterable[LatencyHistogram]) -> LatencyHistogram | None:
    """One histogram of several pools; None where all are empty.

    Histograms of the same binning are added; one with another binning is put into the bins of the
    first by the geometric centre of its own.
    """
    filled = [h for h in histograms if h.total > 0]
    if not filled:
        return None
    first = filled[0]
    bins = max(_bins_needed(h, first) for h in filled)
    count = np.zeros(bins, dtype=np.int64)
    for histogram in filled:
        np.add.at(count, _bins_in(histogram, first), histogram.count)
    return LatencyHistogram(
        first.lowest_ns, first.ratio, count, sum(h.sum_ns for h in filled), sum(h.total for h in filled)
    )


def _same_bins(a: LatencyHistogram, b: LatencyHistogram) -> bool:
    return a.lowest_ns == b.lowest_ns and a.ratio == b.ratio


def _bins_in(histogram: LatencyHistogram, target: LatencyHistogram) -> Ints:
    """Index in the target's binning of every bin of a histogram, shape (bins,)."""
    index = np.arange(len(histogram.count), dtype=np.int64)
    if _same_bins(histogram, target):
        return index
    centre = histogram.lowest_ns * histogram.ratio ** (index + 0.5)
    placed = np.floor(np.log(centre / target.lowest_ns) / math.log(target.ratio)).astype(np.int64)
    return np.asarray(np.maximum(placed, 0), dtype=np.int64)


def _bins_needed(histogram: LatencyHistogram, target: LatencyHistogram) -> int:
    return int(_bins_in(histogram, target)[-1]) + 1


def _histogram_std_ns(histogram: LatencyHistogram, mean_ns: float) -> float:
    """Population standard deviation [ns], each bin taken at its geometric centre."""
    edges = bin_edges_ns(histogram)
    centre = np.sqrt(edges[:-1] * edges[1:])
    variance = np.average((centre - mean_ns) ** 2, weights=histogram.count)
    return float(math.sqrt(variance))
