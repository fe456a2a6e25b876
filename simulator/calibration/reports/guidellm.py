"""GuideLLM reports (``benchmarks.json``, also as YAML): one measurement per benchmark of the report.

Its ``time_per_output_token_ms`` counts the first token in; our TPOT is its ``inter_token_latency_ms``.
Reports without single requests give rates and lengths only: Poisson arrivals, or so many streams, with
lengths spread as reported.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from simulator.calibration.points.load import Load, closed_loop, open_loop
from simulator.calibration.reports.json_file import Record, found, number
from simulator.calibration.reports.measurement import Measurement, Served, of_model
from simulator.errors import InputError

#: Strategies that keep a number of requests in flight.
CLOSED = ("synchronous", "concurrent", "throughput")
_METRICS = {"time_to_first_token_ms": "ttft", "inter_token_latency_ms": "tpot", "request_latency": "e2e"}


def is_guidellm(content: Any) -> bool:
    """Whether a document is such a report."""
    benchmarks = content.get("benchmarks") if isinstance(content, dict) else None
    return isinstance(benchmarks, list) and all(
        isinstance(one, dict) and isinstance(one.get("metrics"), dict) for one in benchmarks
    )


def read_guidellm(path: Path, content: Record) -> list[Measurement]:
    """One measurement per benchmark that served anything.

    Raises
    ------
    InputError
        Where none did.
    """
    read = [_benchmark(path, index, one) for index, one in enumerate(content["benchmarks"])]
    measurements = [one for one in read if one is not None]
    if not measurements:
        raise InputError("no benchmark of the report has successful requests", file=path, key="benchmarks")
    return measurements


def _benchmark(path: Path, index: int, one: Record) -> Measurement | None:
    concurrency = _concurrency(one)
    about: dict[str, Any] = {
        "name": f"{path.stem}[{index}]",
        "kind": "GuideLLM benchmark",
        "on": of_model(
            found(one, "config.backend.model", "config.backend.target_model", "args.backend.model")
        ),
    }
    served = _served(_successful(one.get("requests")))
    if served is not None:
        load, seen = served.load_and_seen(concurrency)
        return Measurement(load=load, figures=seen.figures(), seen=seen, **about)
    count = int(
        number(one, "metrics.request_totals.successful", "request_totals.successful")
        or number(one, "metrics.request_latency.successful.count")
        or 0
    )
    figures = _figures(one["metrics"])
    if not count or not figures:
        return None
    load = _drawn_load(path, index, one["metrics"], count, concurrency)
    return Measurement(load=load, figures=figures, **about)


def _concurrency(one: Record) -> int | None:
    strategy = found(one, "config.strategy", "scheduler.strategy", "args.strategy") or {}
    if str(strategy.get("type_") or strategy.get("type") or "") not in CLOSED:
        return None
    streams = number(strategy, "streams", "max_concurrency") or 1.0
    measured = number(one, "metrics.request_concurrency.successful.mean")
    if strategy.get("type_") == "throughput" and measured:
        return max(round(measured), 1)
    return int(streams)


def _successful(requests: Any) -> list[Record]:
    """Those that were answered: kept apart by status, or marked by it."""
    if isinstance(requests, dict):
        answered = requests.get("successful")
        return answered if isinstance(answered, list) else []
    if not isinstance(requests, list):
        return []
    good = (None, "completed", "successful")
    return [row for row in requests if found(row, "info.status", "status") in good and not row.get("error")]


def _served(requests: list[Record]) -> Served | None:
    rows = [row for row in map(_row, requests) if row is not None]
    if not rows:
        return None
    start, prompt, output, ttft, e2e = zip(*rows, strict=True)
    return Served(
        np.array(start),
        np.array(prompt, dtype=np.int64),
        np.array(output, dtype=np.int64),
        np.array(ttft),
        np.array(e2e),
    )


def _row(request: Record) -> tuple[float, int, int, float, float] | None:
    """Start, tokens of prompt and output, TTFT and E2E [s] of a request; None where any is missing."""
    start = number(request, "info.timings.request_start", "start_time", "scheduler_info.request_start")
    end = number(request, "info.timings.request_end", "end_time", "scheduler_info.request_end")
    prompt = number(
        request,
        "input_metrics.total_tokens",
        "input_metrics.text_tokens",
        "prompt_tokens",
        "request_stats.prompt_tokens",
    )
    output = number(
        request,
        "output_metrics.total_tokens",
        "output_metrics.text_tokens",
        "output_tokens",
        "request_stats.output_tokens",
    )
    first = number(
        request,
        "info.timings.first_token_iteration",
        "info.timings.first_output_token_iteration",
        "info.timings.first_iteration",
        "first_token_time",
    )
    if start is None or end is None or not prompt or not output or first is None:
        return None
    last = number(request, "info.timings.last_token_iteration", "last_token_time") or end
    return start, int(prompt), int(output), first - start, last - start


def _figures(metrics: Record) -> dict[str, float]:
    figures = {}
    for theirs, ours in _METRICS.items():
        scale = 1e-3 if theirs.endswith("_ms") else 1.0
        values = found(metrics, f"{theirs}.successful") or {}
        for statistic, paths in {
            "mean": ("mean",),
            "p50": ("median", "percentiles.p50"),
            "p90": ("percentiles.p90",),
            "p99": ("percentiles.p99",),
        }.items():
            value = number(values, *paths)
            if value:
                figures[f"{ours}_{statistic}_s"] = value * scale
    return figures


def _drawn_load(path: Path, index: int, metrics: Record, count: int, concurrency: int | None) -> Load:
    prompts = _lengths(found(metrics, "prompt_token_count.successful"), count, seed=1)
    outputs = _lengths(found(metrics, "output_token_count.successful"), count, seed=2)
    if prompts is None or outputs is None:
        raise InputError("the lengths are not stated", file=path, key=f"benchmarks[{index}].metrics")
    if concurrency is not None:
        return closed_loop(prompts, outputs, concurrency)
    rate = number(metrics, "requests_per_second.successful.mean", "requests_per_second.total.mean")
    if not rate:
        raise InputError("the request rate is not stated", file=path, key=f"benchmarks[{index}].metrics")
    return open_loop(prompts, outputs, rate, seed=0)


def _lengths(distribution: Any, count: int, seed: int) -> Any:
    mean = number(distribution, "mean")
    if not mean:
        return None
    spread = number(distribution, "std_dev") or 0.0
    drawn = np.random.default_rng(seed).normal(mean, spread, count)
    return np.maximum(np.rint(drawn), 1).astype(np.int32)
