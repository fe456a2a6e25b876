"""Reports of benchmark programs, written about a simulated server whose step times are known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from simulator.calibration.fitting.server import Server, serve
from simulator.calibration.points.load import open_loop
from simulator.calibration.reports.measurement import Measurement
from simulator.latency.fitted import FittedBackend
from simulator.results.recording import Recording

START_S = 1_700_000_000.0
TRUE = FittedBackend(
    format="fitted-backend/1",
    name="true",
    source="made up",
    date="2026-11-27",
    error="none",
    knots_ms={1: 10.0, 8192: 10.0 + 8191 * 0.2},
)


def served(per_second: float, requests: int = 100, seed: int = 0) -> Recording:
    """A load of short conversations on the true server."""
    random = np.random.default_rng(seed)
    prompts = random.integers(40, 300, requests).astype(np.int32)
    outputs = random.integers(10, 60, requests).astype(np.int32)
    load = open_loop(prompts, outputs, per_second, seed)
    recording = serve(
        measurement := Measurement("true", "test", load, {}), Server({}).settings_for(measurement), TRUE
    )
    assert recording is not None
    return recording


def rows(recording: Recording) -> list[dict[str, float]]:
    """What the client saw, one row per request."""
    r = recording.requests
    order = np.argsort(r.request)
    return [
        {
            "start": START_S + r.arrival_ns[i] / 1e9,
            "first": START_S + r.first_token_ns[i] / 1e9,
            "end": START_S + r.finish_ns[i] / 1e9,
            "prompt": int(r.prompt_tokens[i]),
            "output": int(r.output_tokens[i]),
        }
        for i in order.tolist()
    ]


def guidellm(recordings: list[Recording], *, with_requests: bool) -> str:
    """A report of version 2."""
    benchmarks = []
    for recording in recordings:
        seen = rows(recording)
        requests = [
            {
                "info": {
                    "timings": {
                        "request_start": row["start"],
                        "first_token_iteration": row["first"],
                        "last_token_iteration": row["end"],
                        "request_end": row["end"],
                    }
                },
                "input_metrics": {"text_tokens": row["prompt"]},
                "output_metrics": {"text_tokens": row["output"]},
            }
            for row in seen
        ]
        benchmarks.append(
            {
                "type_": "generative_benchmark",
                "config": {"strategy": {"type_": "poisson", "rate": 3.0}},
                "metrics": _guidellm_metrics(seen),
                "requests": {"successful": requests if with_requests else [], "errored": []},
            }
        )
    return json.dumps({"metadata": {"version": 2}, "benchmarks": benchmarks})


def guidellm_1(recordings: list[Recording]) -> str:
    """A report as GuideLLM 0.3 wrote it."""
    benchmarks = [
        {
            "args": {"strategy": {"type_": "constant", "rate": 3.0}},
            "metrics": {},
            "requests": [
                {
                    "start_time": row["start"],
                    "first_token_time": row["first"],
                    "last_token_time": row["end"],
                    "end_time": row["end"],
                    "prompt_tokens": row["prompt"],
                    "output_tokens": row["output"],
                }
                for row in rows(recording)
            ],
        }
        for recording in recordings
    ]
    return json.dumps({"benchmarks": benchmarks})


def _guidellm_metrics(seen: list[dict[str, float]]) -> dict[str, object]:
    ttft = np.array([row["first"] - row["start"] for row in seen])
    e2e = np.array([row["end"] - row["start"] for row in seen])
    output = np.array([row["output"] for row in seen])
    prompt = np.array([row["prompt"] for row in seen])
    span = seen[-1]["start"] - seen[0]["start"]
    tpot = (e2e - ttft) / np.maximum(output - 1, 1)
    return {
        "request_totals": {"successful": len(seen)},
        "requests_per_second": {"successful": {"mean": len(seen) / span}},
        "time_to_first_token_ms": {"successful": _distribution(ttft * 1e3)},
        "inter_token_latency_ms": {"successful": _distribution(tpot * 1e3)},
        "request_latency": {"successful": _distribution(e2e)},
        "prompt_token_count": {"successful": _distribution(prompt)},
        "output_token_count": {"successful": _distribution(output)},
    }


def _distribution(values: np.ndarray) -> dict[str, object]:
    percentiles = {f"p{p}": float(np.percentile(values, p)) for p in (50, 90, 99)}
    return {
        "mean": float(values.mean()),
        "median": percentiles["p50"],
        "std_dev": float(values.std()),
        "count": len(values),
        "percentiles": percentiles,
    }


def inference_perf(folder: Path, recordings: list[Recording], *, with_requests: bool) -> None:
    """A report folder, one stage per recording."""
    folder.mkdir()
    per_request = []
    for stage, recording in enumerate(recordings):
        seen = rows(recording)
        span = seen[-1]["start"] - seen[0]["start"]
        content = {
            "load_summary": {"count": len(seen), "achieved_rate": len(seen) / span},
            "successes": {
                "count": len(seen),
                "latency": {
                    "time_to_first_token": _statistics([row["first"] - row["start"] for row in seen]),
                    "request_latency": _statistics([row["end"] - row["start"] for row in seen]),
                },
                "prompt_len": _statistics([row["prompt"] for row in seen]),
                "output_len": _statistics([row["output"] for row in seen]),
            },
        }
        (folder / f"stage_{stage}_lifecycle_metrics.json").write_text(json.dumps(content))
        per_request += [
            {
                "stage_id": stage,
                "start_time": row["start"],
                "end_time": row["end"],
                "info": {
                    "input_tokens": row["prompt"],
                    "output_tokens": row["output"],
                    "output_token_times": [row["first"], row["end"]],
                },
                "error": None,
            }
            for row in seen
        ]
    if with_requests:
        (folder / "per_request_lifecycle_metrics.json").write_text(json.dumps(per_request))


def _statistics(values: list[float]) -> dict[str, float]:
    found = {f"p{p}": float(np.percentile(values, p)) for p in (10, 90, 99)}
    middle = {"mean": float(np.mean(values)), "median": float(np.median(values))}
    return found | middle | {"min": float(min(values)), "max": float(max(values))}


def scrapes(folder: Path, recordings: list[Recording], *, named_by_time: bool) -> list[Path]:
    """Pages of metrics before the first recording and after each."""
    totals: dict[str, float] = {}
    time_s, files = START_S, []
    for number in range(len(recordings) + 1):
        if number:
            _count(totals, recordings[number - 1])
            seen = rows(recordings[number - 1])
            time_s += seen[-1]["start"] - seen[0]["start"]
        name = f"metrics-{time_s:.0f}.txt" if named_by_time else f"metrics-{number}.txt"
        files.append(folder / name)
        files[-1].write_text(_page(totals))
    return files


def _count(totals: dict[str, float], recording: Recording) -> None:
    seen = rows(recording)
    latencies = {
        "time_to_first_token_seconds": [row["first"] - row["start"] for row in seen],
        "e2e_request_latency_seconds": [row["end"] - row["start"] for row in seen],
        "request_time_per_output_token_seconds": [
            (row["end"] - row["first"]) / (row["output"] - 1) for row in seen
        ],
    }
    for name, values in latencies.items():
        totals[f"{name}_sum"] = totals.get(f"{name}_sum", 0.0) + sum(values)
        totals[f"{name}_count"] = totals.get(f"{name}_count", 0.0) + len(values)
    pool = recording.pools[0]
    for name, value in {
        "prompt_tokens_total": sum(row["prompt"] for row in seen),
        "generation_tokens_total": sum(row["output"] for row in seen),
        "iteration_tokens_total_count": pool.steps,
        "inter_token_latency_seconds_sum": pool.inter_token.sum_ns / 1e9,
        "inter_token_latency_seconds_count": pool.inter_token.total,
    }.items():
        totals[name] = totals.get(name, 0.0) + value
    for which, key in (("prompt", "prompt"), ("generation", "output")):
        for end in (20, 50, 100, 200, 500):
            name = f'request_{which}_tokens_bucket{{le="{end}.0"}}'
            totals[name] = totals.get(name, 0.0) + sum(row[key] <= end for row in seen)


def _page(totals: dict[str, float]) -> str:
    lines = ["# HELP vllm:num_requests_running Number of requests in model execution batches."]
    known = {"generation_tokens_total": 0.0} | totals
    for name, value in known.items():
        bare, brace, labels = name.partition("{")
        inside = f'{{engine="0",model_name="m",{labels}' if brace else '{engine="0",model_name="m"}'
        lines.append(f"vllm:{bare}{inside} {float(value)!r}")
    return "\n".join(lines) + "\n"
