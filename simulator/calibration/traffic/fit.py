"""A workload fitted to a trace, so that as much traffic of that kind as one likes can be generated.

    python -m simulator.calibration.traffic.fit TRACE [--name NAME] [--out workload.yaml]

Arrivals are fitted by their counts. Mild bursts become ``log_ar1``: the parameters, from a grid, with which
generated traffic has the trace's index of dispersion at 1, 10 and 60 s, on the whole and on its halves.
Strong ones become ``mmpp``: a Poisson hidden Markov model on counts per second. Lengths become tables of
quantiles with the rank correlation of prompt and output. Content, sessions and drift of the lengths are lost.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import product
from math import pi, sin
from pathlib import Path
from typing import Any

import numpy as np

from simulator.calibration.traffic.hidden_markov import fit_hidden_rates
from simulator.calibration.traffic.statistics import WIDTHS_S, Ints, index_of_dispersion, rank_correlation
from simulator.errors import InputError, program
from simulator.scenario.workload import WorkloadSpec
from simulator.units.clock import NS_PER_S
from simulator.units.random_streams import RandomStreams
from simulator.workload import build_workload, read_trace
from simulator.workload.traffic import Traffic

#: Dispersion of the counts per second from which on bursts are strong.
STRONG = 3.0
#: Shortest trace that says anything about dispersion at 60 s [s], and fewest requests.
SHORTEST_S, FEWEST = 300.0, 200
#: States of the hidden Markov model, and most bins that it is fitted to.
STATES, MOST_BINS = 6, 7200
_SIGMAS = (0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8)
_AR1 = (0.8, 0.9, 0.95, 0.975, 0.99)
_SHAPES = (0.85, 0.95, 1.0)
_SEEDS = 12
_PERCENT = (*range(100), 99.5, 99.9, 100)


def fit_workload(traffic: Traffic, name: str, source: str) -> dict[str, Any]:
    """A workload as plain YAML values.

    Raises
    ------
    InputError
        Where the trace is too short.
    """
    span_s = float(traffic.arrival_ns[-1] - traffic.arrival_ns[0]) / NS_PER_S
    if span_s < SHORTEST_S or len(traffic) < FEWEST:
        raise InputError(
            f"the trace has {len(traffic)} requests in {span_s:.3g} s;"
            f" a fit needs {FEWEST} in {SHORTEST_S:g} s"
        )
    ranks = rank_correlation(traffic.prompt_tokens, traffic.output_tokens)
    return {
        "name": name,
        "description": f"Traffic like that of {source}",
        "source": f"fitted to {source}: {len(traffic)} requests in {span_s:.0f} s",
        "licence": "that of the trace; fitted parameters only, no rows",
        "arrivals": fit_arrivals(traffic.arrival_ns, span_s),
        "prompt_tokens": _quantiles(traffic.prompt_tokens),
        "output_tokens": _quantiles(traffic.output_tokens),
        "correlation": round(2 * sin(pi / 6 * (0.0 if np.isnan(ranks) else ranks)), 4),
    }


def fit_arrivals(arrival_ns: Ints, span_s: float) -> dict[str, Any]:
    """The arrivals of a workload, fitted to these times over ``span_s`` [s]."""
    rate = len(arrival_ns) / span_s
    if index_of_dispersion(arrival_ns, 1) >= STRONG:
        return _strong_bursts(arrival_ns, rate)
    return _mild_bursts(arrival_ns, span_s, rate)


def _strong_bursts(arrival_ns: Ints, rate: float) -> dict[str, Any]:
    counts = np.bincount((arrival_ns - arrival_ns[0]) // NS_PER_S)[:MOST_BINS]
    found = fit_hidden_rates(counts, STATES)
    return {
        "process": "mmpp",
        "rate": f"{rate:.6g} /s",
        "step": "1 s",
        "rates": [f"{value:.4g} /s" for value in found.rates.tolist()],
        "transition": [[float(f"{chance:.4g}") for chance in row] for row in found.transition.tolist()],
    }


def _mild_bursts(arrival_ns: Ints, span_s: float, rate: float) -> dict[str, Any]:
    half = arrival_ns[0] + int(span_s * NS_PER_S / 2)
    halves = [arrival_ns[arrival_ns < half], arrival_ns[arrival_ns >= half]]
    wanted = [_dispersions([arrival_ns]), _dispersions(halves)]

    def distance(chosen: dict[str, Any]) -> float:
        spans = (span_s, span_s / 2)
        drawn = [_dispersions([_arrivals(chosen, span, seed) for seed in range(_SEEDS)]) for span in spans]
        off = [np.abs(np.log(one / other)) for one, other in zip(drawn, wanted, strict=True)]
        return float(np.nansum(off))

    candidates = [
        {"process": "log_ar1", "rate": f"{rate:.6g} /s", "log_sigma": s, "ar1": a, "step": "60 s", "shape": k}
        for s, a, k in product(_SIGMAS, _AR1, _SHAPES)
    ]
    return min(candidates, key=distance)


def _dispersions(pieces: list[Ints]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Mean index of dispersion over pieces at every width."""
    return np.array([np.nanmean([index_of_dispersion(one, width) for one in pieces]) for width in WIDTHS_S])


def _arrivals(arrivals: dict[str, Any], span_s: float, seed: int) -> Ints:
    one = {"distribution": "fixed", "tokens": 1}
    spec = WorkloadSpec.model_validate({"arrivals": arrivals, "prompt_tokens": one, "output_tokens": one})
    chunks = build_workload(spec, RandomStreams(seed), None, span_s).chunks()
    return np.concatenate([chunk.arrival_ns for chunk in chunks] or [np.empty(0, np.int64)])


def _quantiles(lengths: Any) -> dict[str, Any]:
    return {
        "distribution": "quantiles",
        "percent": list(_PERCENT),
        "tokens": [float(f"{value:.6g}") for value in np.percentile(lengths, _PERCENT).tolist()],
    }


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Fit a workload to a trace; 2 where it cannot be read or is too short."""
    parser = argparse.ArgumentParser(prog="simulator tool traffic-fit")
    parser.add_argument("trace", help="a trace in any layout that simulator convert reads")
    parser.add_argument("--name", help="name of the workload; default: that of the file")
    parser.add_argument("--out", type=Path, help="YAML file to write; default: standard output")
    asked = parser.parse_args(arguments)
    import yaml

    file = Path(asked.trace)
    name = asked.name or file.name.split(".")[0].lower()
    content = fit_workload(read_trace(file).traffic, name, file.name)
    text = yaml.safe_dump(content, sort_keys=False, width=100, default_flow_style=None)
    if asked.out is None:
        print(text, end="")
    else:
        asked.out.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
