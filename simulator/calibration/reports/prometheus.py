"""vLLM's own figures from scrapes of its Prometheus page (``/metrics``): one measurement between two scrapes.

Counters between two scrapes give requests, tokens and, from the histogram of tokens per iteration, engine
steps; the sums of the latency histograms give means. A single scrape covers the time since the server
started. The page does not say when it was fetched: times are read from the samples' own timestamps or from
the file name (``metrics-1732406400.txt``, ``metrics-20261124T021842.txt``). Where neither is there, the
arrival rate is a further unknown that the steps per request tell.

Arrivals are drawn as Poisson, lengths from the histograms. Percentiles are left out: the buckets are wide.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulator.calibration.points.load import Load, open_loop
from simulator.calibration.reports.measurement import Measurement, of_model
from simulator.errors import InputError
from simulator.workload.traffic import Piece

Labels = dict[str, str]
Lengths = NDArray[np.int32]
Samples = dict[str, list[tuple[Labels, float]]]

_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+([-+.\w]+)(?:\s+(-?\d+))?\s*$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_EPOCH = re.compile(r"(?<!\d)(1[5-9]\d{8}|2\d{9})(?:\.\d+)?(?!\d)")
_STAMP = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)[T_-](\d\d)[:-]?(\d\d)[:-]?(\d\d)")
#: Requests drawn to stand for those between two scrapes, at most.
MOST_REQUESTS = 1000
_MEANS = {
    "ttft_mean_s": ("time_to_first_token_seconds",),
    "itl_mean_s": ("inter_token_latency_seconds", "time_per_output_token_seconds"),
    "tpot_mean_s": ("request_time_per_output_token_seconds",),
    "e2e_mean_s": ("e2e_request_latency_seconds",),
}


class Scrape:
    """One page of metrics."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.samples: Samples = {}
        self.time_s = _time_in_name(path.name)
        for line in _text(path).splitlines():
            match = None if line.startswith("#") else _SAMPLE.match(line)
            if match is None:
                continue
            name, labels, value, stamp = match.groups()
            if stamp is not None:
                self.time_s = int(stamp) / 1e3
            if name.startswith(("vllm:", "vllm_")):
                self.samples.setdefault(name[5:], []).append((_labels(labels), self._number(name, value)))
        if "generation_tokens_total" not in self.samples:
            raise InputError(
                "holds no metrics of a vLLM server", file=path, key="vllm:generation_tokens_total"
            )

    def _number(self, name: str, value: str) -> float:
        try:
            return float(value)
        except ValueError:
            raise InputError(f"found {value!r}, expected a number", file=self.path, key=name) from None

    @property
    def model(self) -> str | None:
        """Name of the model that is served."""
        return next((labels.get("model_name") for labels, _ in self.samples["generation_tokens_total"]), None)

    def total(self, name: str) -> float:
        """Sum of a metric over engines and labels; 0 where it is missing."""
        return sum(value for _, value in self.samples.get(name, ()))

    def buckets(self, name: str) -> dict[float, float]:
        """Cumulated counts of a histogram by upper end, without the infinite one."""
        sums: dict[float, float] = {}
        for labels, value in self.samples.get(f"{name}_bucket", ()):
            end = float(labels["le"].replace("+Inf", "inf"))
            sums[end] = sums.get(end, 0.0) + value
        return {end: sums[end] for end in sorted(sums) if np.isfinite(end)}


def is_scrape(first_lines: str) -> bool:
    """Whether a text begins like a page of metrics."""
    return first_lines.startswith(("# HELP", "# TYPE")) or "vllm:" in first_lines


def read_scrapes(paths: Sequence[Path]) -> list[Measurement]:
    """One measurement between each two scrapes in order, or of a single one since the server's start.

    Raises
    ------
    InputError
        Where a file is no page of metrics, or nothing was served between them.
    """
    scrapes = [Scrape(path) for path in paths]
    timed = all(scrape.time_s is not None for scrape in scrapes)
    if timed:
        scrapes.sort(key=lambda scrape: scrape.time_s or 0.0)
    else:
        scrapes.sort(key=lambda scrape: scrape.total("generation_tokens_total"))
    pairs: list[tuple[Scrape | None, Scrape]] = list(pairwise(scrapes))
    if not pairs:
        pairs = [(None, scrapes[0])]
    found = [_between(before, after, timed) for before, after in pairs]
    measurements = [one for one in found if one is not None]
    if not measurements:
        raise InputError("no request finished between the scrapes", file=paths[-1])
    return measurements


def _between(before: Scrape | None, after: Scrape, timed: bool) -> Measurement | None:
    def change(name: str) -> float:
        return after.total(name) - (0.0 if before is None else before.total(name))

    requests = change("e2e_request_latency_seconds_count") or change("request_success_total")
    if requests < 0:
        raise InputError("counters fell between the scrapes: the server was restarted", file=after.path)
    prompts, outputs = change("prompt_tokens_total"), change("generation_tokens_total")
    if requests < 1 or prompts <= 0 or outputs <= 0:
        return None
    figures = {}
    for ours, names in _MEANS.items():
        for name in names:
            count = change(f"{name}_count")
            if count > 0 and ours not in figures:
                figures[ours] = change(f"{name}_sum") / count
    steps = change("iteration_tokens_total_count")
    if steps > 0:
        figures["steps_per_request"] = steps / requests
    count = min(int(requests), MOST_REQUESTS)
    lengths = [
        _lengths(before, after, f"request_{which}_tokens", count, total / requests, seed)
        for seed, (which, total) in enumerate((("prompt", prompts), ("generation", outputs)), start=1)
    ]
    hit = change("prefix_cache_hits_total") / max(change("prefix_cache_queries_total"), 1.0)

    def at_rate(per_second: float) -> Load:
        return open_loop(lengths[0], lengths[1], per_second, 0, _shared(lengths[0], hit))

    span = (after.time_s or 0.0) - (before.time_s or 0.0) if timed and before is not None else 0.0
    rate = requests / span if span > 0 else _guess(figures, steps, outputs)
    return Measurement(
        name=after.path.name if before is None else f"{before.path.name} to {after.path.name}",
        kind="vLLM metrics",
        load=at_rate(rate),
        figures=figures,
        at_rate=None if span > 0 else at_rate,
        rate=rate,
        on=of_model(after.model),
        notes=() if span > 0 else ("the scrapes do not say when they were made: the arrival rate is fitted",),
    )


def _guess(figures: dict[str, float], steps: float, outputs: float) -> float:
    """A rate at which about as many requests are in flight as tokens come from a step [1/s]."""
    in_flight = outputs / steps if steps > 0 else 1.0
    return in_flight / max(figures.get("e2e_mean_s", 1.0), 1e-6)


def _lengths(before: Scrape | None, after: Scrape, name: str, count: int, mean: float, seed: int) -> Lengths:
    """Lengths drawn from a histogram, evenly in each bucket and scaled to the mean."""
    counts = after.buckets(name)
    earlier = {} if before is None else before.buckets(name)
    ends = np.array(list(counts))
    cumulated = np.array([so_many - earlier.get(end, 0.0) for end, so_many in counts.items()])
    if not len(ends) or cumulated[-1] <= 0:
        return np.full(count, max(round(mean), 1), dtype=np.int32)
    shares = np.concatenate([[0.0], cumulated / cumulated[-1]])
    drawn = np.interp(np.random.default_rng(seed).random(count), shares, np.concatenate([[0.0], ends]))
    filled = int((np.diff(shares) > 0).sum())
    if filled == 1:
        drawn[:] = mean
    scaled: Lengths = np.maximum(np.rint(drawn * mean / max(drawn.mean(), 1e-9)), 1).astype(np.int32)
    return scaled


def _shared(prompts: Lengths, hit: float) -> list[tuple[Piece, ...]] | None:
    """Prompts that share as much of their beginning as the server found in its prefix cache."""
    if hit < 0.01:
        return None
    pieces: list[tuple[Piece, ...]] = []
    for number, tokens in enumerate(prompts.tolist()):
        shared = min(int(tokens * hit), tokens - 1)
        own: Piece = (number, 0, tokens - shared)
        pieces.append((("shared", 0, shared), own) if shared else (own,))
    return pieces


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError("is not a text file", file=path) from None


def _labels(text: str | None) -> Labels:
    return dict(_LABEL.findall(text or ""))


def _time_in_name(name: str) -> float | None:
    stamp = _STAMP.search(name)
    if stamp is not None:
        try:
            return datetime(*map(int, stamp.groups()), tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]
        except ValueError:
            return None
    epoch = _EPOCH.search(name)
    return float(epoch.group(0)) if epoch else None
