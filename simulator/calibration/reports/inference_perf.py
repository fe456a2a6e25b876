"""inference-perf reports: a folder of ``{summary,stage_N,per_request}_lifecycle_metrics.json``.

With rows per request each stage is one measurement of its own requests; else the summary of each stage with
Poisson arrivals at its achieved rate. Its ``time_per_output_token`` and ``inter_token_latency`` count two
events per token with some servers (the empty chunk that ends a stream), so TPOT is derived from latency, TTFT
and output length.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from simulator.calibration.points.load import open_loop
from simulator.calibration.reports.json_file import Record, found, number, read_json
from simulator.calibration.reports.measurement import Measurement, Served
from simulator.errors import InputError

SUMMARY = "summary_lifecycle_metrics.json"
PER_REQUEST = "per_request_lifecycle_metrics.json"
_STAGE = re.compile(r"stage_(\d+)_lifecycle_metrics\.json$")
_STATISTICS = {"mean": "mean", "p50": "median", "p90": "p90", "p99": "p99"}


def is_inference_perf(path: Path) -> bool:
    """Whether a path is such a folder, or one of its files."""
    if path.is_dir():
        return any(path.glob("*lifecycle_metrics.json"))
    return path.name.endswith("lifecycle_metrics.json")


def read_inference_perf(path: Path) -> list[Measurement]:
    """One measurement per stage.

    Raises
    ------
    InputError
        Where no stage has successful requests.
    """
    folder = path if path.is_dir() else path.parent
    rows = folder / PER_REQUEST
    if (path.is_dir() or path == rows) and rows.is_file():
        measurements = _from_rows(folder, read_json(rows))
    else:
        measurements = _from_summaries(folder, path)
    if not measurements:
        raise InputError("holds no successful requests with lengths and latencies", file=path)
    return measurements


def _from_rows(folder: Path, rows: Any) -> list[Measurement]:
    if not isinstance(rows, list):
        raise InputError("expected a list of requests", file=folder / PER_REQUEST)
    stages: dict[int, list[tuple[float, int, int, float, float]]] = {}
    for row in rows:
        values = _row(row)
        if values is not None:
            stages.setdefault(int(row.get("stage_id") or 0), []).append(values)
    measurements = []
    for stage, values_of in sorted(stages.items()):
        start, prompt, output, ttft, e2e = (np.array(column) for column in zip(*values_of, strict=True))
        load, seen = Served(start, prompt, output, ttft, e2e).load_and_seen(None)
        measurements.append(_measurement(folder, stage, load=load, figures=seen.figures(), seen=seen))
    return measurements


def _row(row: Record) -> tuple[float, int, int, float, float] | None:
    """Start, tokens, TTFT and E2E [s] of a request; None where it failed or says too little."""
    start, end = number(row, "start_time"), number(row, "end_time")
    prompt = number(
        row,
        "info.input_tokens",
        "info.request_metrics.text.input_tokens",
        "info.request_metrics.input_tokens",
    )
    output = number(row, "info.output_tokens", "info.response_metrics.output_tokens")
    times = found(row, "info.output_token_times", "info.response_metrics.output_token_times") or []
    if row.get("error") or start is None or end is None or not prompt or not output or not times:
        return None
    return start, int(prompt), int(output), float(times[0]) - start, end - start


def _from_summaries(folder: Path, path: Path) -> list[Measurement]:
    files = sorted(file for file in folder.glob("stage_*.json") if _STAGE.search(file.name))
    if not path.is_dir():
        files = [path]
    elif not files:
        files = [folder / SUMMARY]
    measurements = []
    for index, file in enumerate(files):
        stage = _STAGE.search(file.name)
        one = _summary(folder, int(stage.group(1)) if stage else index, read_json(file))
        if one is not None:
            measurements.append(one)
    return measurements


def _summary(folder: Path, stage: int, content: Record) -> Measurement | None:
    count = int(number(content, "successes.count", "load_summary.count") or 0)
    rate = number(
        content,
        "load_summary.achieved_rate",
        "successes.throughput.requests_per_sec",
        "load_summary.requested_rate",
    )
    prompts = _lengths(found(content, "successes.prompt_len"), count, seed=1)
    outputs = _lengths(found(content, "successes.output_len"), count, seed=2)
    figures = _figures(content)
    if not count or not rate or prompts is None or outputs is None or not figures:
        return None
    load = open_loop(prompts, outputs, rate, seed=stage)
    return _measurement(folder, stage, load=load, figures=figures)


def _figures(content: Record) -> dict[str, float]:
    latency = found(content, "successes.latency") or {}
    figures = {}
    for theirs, ours in (("time_to_first_token", "ttft"), ("request_latency", "e2e")):
        for statistic, name in _STATISTICS.items():
            value = number(latency.get(theirs), name)
            if value:
                figures[f"{ours}_{statistic}_s"] = value
    output = number(content, "successes.output_len.mean") or 0.0
    if output > 1 and {"ttft_mean_s", "e2e_mean_s"} <= set(figures):
        figures["tpot_mean_s"] = (figures["e2e_mean_s"] - figures["ttft_mean_s"]) / (output - 1)
    return figures


def _lengths(statistics: Any, count: int, seed: int) -> Any:
    """Lengths through the reported quantiles."""
    mean = number(statistics, "mean")
    if not mean or not count:
        return None
    known = [(0.0, "min"), (0.1, "p10"), (0.5, "median"), (0.9, "p90"), (1.0, "max")]
    points = [(share, number(statistics, name)) for share, name in known]
    if any(value is None for _, value in points):
        return np.full(count, max(round(mean), 1), dtype=np.int32)
    shares, values = zip(*points, strict=True)
    drawn = np.interp(np.random.default_rng(seed).random(count), shares, [float(v or 0) for v in values])
    return np.maximum(np.rint(drawn * mean / max(drawn.mean(), 1e-9)), 1).astype(np.int32)


def _measurement(folder: Path, stage: int, **parts: Any) -> Measurement:
    return Measurement(name=f"{folder.name} stage {stage}", kind="inference-perf stage", **parts)
