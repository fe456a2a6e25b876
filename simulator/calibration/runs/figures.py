"""The figures of a simulated run under the keys of a measured one.

Latencies [s] of the requests without error, linear interpolation between them; rates over the
time from the first arrival to the last finish.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from simulator.results.distributions import PERCENTILES, histogram_quantile, merge_histograms
from simulator.results.latencies import defined, is_finished, latencies_of
from simulator.results.recording import Floats, Recording
from simulator.units.clock import NS_PER_S


def figures_of(recording: Recording) -> dict[str, float]:
    """All figures that a recording supports."""
    requests = recording.requests
    finished = is_finished(requests)
    latencies = latencies_of(requests)
    figures = {
        "requests": float(len(finished)),
        "failed": float((~finished).sum()),
        "preemptions": float(sum(pool.preemptions for pool in recording.pools)),
        "iterations": float(sum(pool.steps for pool in recording.pools)),
    }
    queried = sum(pool.prefix_queried_tokens for pool in recording.pools)
    if queried:
        hits = sum(pool.prefix_hit_tokens for pool in recording.pools)
        figures["prefix_hit_fraction_at_end"] = hits / queried
    if not finished.any():
        return figures
    for name, milliseconds in (("ttft", latencies.ttft), ("tpot", latencies.tpot), ("e2e", latencies.e2e)):
        figures |= _statistics(name, defined(milliseconds[finished]) / 1e3)
    last = requests.finish_ns[finished].max()
    duration_s = float(last - requests.arrival_ns.min()) / 1e9
    tokens = float(requests.output_tokens[finished].sum())
    figures["duration_s"] = duration_s
    figures["requests_per_s"] = float(finished.sum()) / duration_s
    figures["output_tokens_per_s"] = tokens / duration_s
    # such a series goes on for one second after the last token
    figures["output_tokens_per_s_mean_of_seconds"] = tokens / (float(np.ceil(duration_s)) + 1.0)
    return figures | _inter_token(recording)


def _statistics(name: str, seconds: Floats) -> dict[str, float]:
    return dict(_each_statistic(name, seconds)) if len(seconds) else {}


def _each_statistic(name: str, seconds: Floats) -> Iterator[tuple[str, float]]:
    yield f"{name}_mean_s", float(seconds.mean())
    for percentile in PERCENTILES:
        yield f"{name}_p{percentile}_s", float(np.percentile(seconds, percentile))


def _inter_token(recording: Recording) -> dict[str, float]:
    """Statistics of the times between tokens [s]; percentiles to a bin of the recorded histogram."""
    histogram = merge_histograms(pool.inter_token for pool in recording.pools)
    if histogram is None:
        return {}
    figures = {"itl_mean_s": histogram.sum_ns / histogram.total / NS_PER_S}
    for percentile in PERCENTILES:
        figures[f"itl_p{percentile}_s"] = histogram_quantile(histogram, percentile / 100) / NS_PER_S
    return figures
