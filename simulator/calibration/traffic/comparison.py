"""Generated traffic beside a trace, figure by figure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simulator.calibration.traffic.statistics import WIDTHS_S, Ints, index_of_dispersion, length_figures
from simulator.errors import InputError
from simulator.scenario.workload import WorkloadSpec
from simulator.units.clock import NS_PER_S
from simulator.units.random_streams import RandomStreams
from simulator.workload import build_workload, load_workload, read_trace
from simulator.workload.chunking import joined
from simulator.workload.traffic import Traffic

#: Requests drawn for quantiles of lengths.
DRAWN = 100_000
#: Length of the slices [s], and how many overlapping ones the trace is cut into.
SLICE_S, SLICES = 600.0, 12


@dataclass(frozen=True, slots=True)
class TrafficRow:
    """One figure of the trace and of the workload.

    Attributes
    ----------
    error
        Relative; of a correlation the difference.
    spread
        Standard deviation over mean among the pieces of the trace, for a mean over pieces: no workload can be
        nearer to any one of them than they are to each other.
    """

    figure: str
    trace: float
    workload: float
    error: float
    spread: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def compare_traffic(workload: str, trace: str | Path, seeds: int = 60) -> list[TrafficRow]:
    """All figures of a workload, averaged over seeds, beside those of a trace.

    Parameters
    ----------
    workload
        Name of a shipped workload, or a file.
    trace
        Any trace that can be read.
    seeds
        How often the arrivals are drawn.

    Raises
    ------
    InputError
        Where one of them cannot be read, or the trace is too short to say anything.
    """
    spec = load_workload(workload)
    real = read_trace(trace).traffic
    span_s = float(real.arrival_ns[-1] - real.arrival_ns[0]) / NS_PER_S
    if span_s < 2 * WIDTHS_S[0]:
        raise InputError(f"lasts {span_s:.3g} s; too short to be compared", file=trace)
    rows = _dispersion(spec, "whole", [real.arrival_ns], span_s, seeds)
    if span_s >= 1.5 * SLICE_S:
        slices = list(_slices(real.arrival_ns))
        rows += _dispersion(spec, f"{SLICE_S / 60:.0f}-minute slices", slices, SLICE_S, seeds)
    drawn = joined(list(build_workload(spec, RandomStreams(0), _available(spec)).chunks()))
    return [*rows, _rate(spec, len(real), span_s, seeds), *_lengths(real, drawn)]


def _available(spec: WorkloadSpec) -> int | None:
    """A replayed trace ends by itself."""
    return None if spec.arrivals.process == "replay" else DRAWN


def _slices(arrival_ns: Ints) -> Iterable[Ints]:
    length = int(SLICE_S * NS_PER_S)
    for start in np.linspace(arrival_ns[0], arrival_ns[-1] - length, SLICES):
        yield arrival_ns[(arrival_ns >= start) & (arrival_ns < start + length)]


def _dispersion(
    spec: WorkloadSpec, what: str, real: Iterable[Ints], span_s: float, seeds: int
) -> list[TrafficRow]:
    """Means over the pieces of the trace, and over as long pieces of the workload."""
    pieces = list(real)
    drawn = [_arrivals(spec, span_s, seed) for seed in range(seeds)]
    rows = []
    for width in WIDTHS_S:
        of_pieces = np.array([index_of_dispersion(times, width) for times in pieces])
        measured = np.nanmean(of_pieces)
        generated = np.nanmean([index_of_dispersion(times, width) for times in drawn])
        figure = f"index of dispersion {width} s, {what}"
        error = float(generated / measured - 1.0)
        spread = float(np.nanstd(of_pieces) / measured) if len(pieces) > 1 else None
        rows.append(TrafficRow(figure, float(measured), float(generated), error, spread))
    return rows


def _rate(spec: WorkloadSpec, requests: int, span_s: float, seeds: int) -> TrafficRow:
    """Requests in as long a time, over seeds."""
    generated = float(np.mean([len(_arrivals(spec, span_s, seed)) for seed in range(seeds)]))
    return TrafficRow("requests", requests, generated, generated / requests - 1.0)


def _arrivals(spec: WorkloadSpec, span_s: float, seed: int) -> Ints:
    source = build_workload(spec, RandomStreams(seed), None, span_s)
    return np.concatenate([chunk.arrival_ns for chunk in source.chunks()] or [np.empty(0, np.int64)])


def _lengths(real: Traffic, drawn: Traffic) -> list[TrafficRow]:
    rows = []
    generated = length_figures(drawn)
    for name, value in length_figures(real).items():
        difference = generated[name] - value
        error = difference if name == "rank correlation" else difference / value
        rows.append(TrafficRow(name, value, generated[name], error))
    return rows
