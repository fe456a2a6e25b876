"""Results of ``vllm bench serve --save-result``, with ``--save-detailed`` request by request.

Without details the file has sums only: arrivals are then drawn as the tool draws them (gamma gaps of the
stated rate and burstiness, rescaled to end on time), and every request has the mean lengths. Errors and
empty answers are left out of the load. What prompts share is not in the file: nothing is assumed to be.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from simulator.calibration.points.load import Load, fixed
from simulator.calibration.reports.json_file import Record, number
from simulator.calibration.reports.measurement import Measurement, Served, of_model
from simulator.errors import InputError
from simulator.units.clock import NS_PER_S
from simulator.workload.traffic import Traffic

_NAMES = {"ttft": "ttft", "tpot": "tpot", "itl": "itl", "e2el": "e2e"}


def is_vllm_bench(content: Any) -> bool:
    """Whether a JSON document is such a result."""
    return isinstance(content, dict) and {"num_prompts", "request_throughput"} <= set(content)


def read_vllm_bench(path: Path, content: Record) -> list[Measurement]:
    """The measurement of one file.

    Raises
    ------
    InputError
        Where nothing was completed or the arrays do not fit together.
    """
    if not number(content, "completed"):
        raise InputError("no request was completed", file=path, key="completed")
    concurrency = number(content, "max_concurrency")
    limited = None if concurrency is None else int(concurrency)
    about: dict[str, Any] = {
        "name": path.stem,
        "kind": "vLLM benchmark",
        "on": of_model(content.get("model_id")),
    }
    if not content.get("ttfts"):
        return [Measurement(load=_drawn_load(path, content, limited), figures=_figures(content), **about)]
    served = _served(path, content)
    # a rate of its own under a cap: what was sent when already tells what the cap held back
    loop = limited if _rate(content) is None else None
    load, seen = served.load_and_seen(loop)
    return [Measurement(load=load, figures=seen.figures(), seen=seen, **about)]


def _served(path: Path, content: Record) -> Served:
    ttfts = np.array(content["ttfts"], dtype=np.float64)
    count = len(ttfts)
    for key in ("input_lens", "output_lens", "itls"):
        if len(content.get(key) or ()) != count:
            raise InputError(
                f"found {len(content.get(key) or ())} entries, but ttfts has {count}", file=path, key=key
            )
    gaps = tuple(np.array(gap, dtype=np.float64) for gap in content["itls"])
    last = ttfts + np.array([gap.sum() for gap in gaps])
    starts = content.get("start_times")
    if starts is None or len(starts) != count:
        starts = _arrivals_s(content, count)
    return Served(
        np.array(starts, dtype=np.float64),
        np.array(content["input_lens"], dtype=np.int64),
        np.array(content["output_lens"], dtype=np.int64),
        ttfts,
        last,
        gaps,
    )


def _drawn_load(path: Path, content: Record, concurrency: int | None) -> Load:
    completed = int(content["completed"])
    prompts, outputs = number(content, "total_input_tokens"), number(content, "total_output_tokens")
    if not prompts or not outputs:
        raise InputError("the tokens are not stated", file=path, key="total_input_tokens")
    arrivals = np.rint(_arrivals_s(content, completed) * NS_PER_S).astype(np.int64)
    traffic = Traffic(arrivals, fixed(prompts / completed, completed), fixed(outputs / completed, completed))
    return Load(traffic, concurrency if _rate(content) is None else None)


def _arrivals_s(content: Record, count: int) -> np.ndarray:
    rate = _rate(content)
    if rate is None:
        return np.zeros(count)
    burstiness = number(content, "burstiness") or 1.0
    gaps = np.random.default_rng(0).gamma(burstiness, 1.0 / (rate * burstiness), count)
    arrivals: np.ndarray = np.cumsum(gaps) * (count / rate) / gaps.sum()
    return arrivals


def _rate(content: Record) -> float | None:
    """Requests per second; None where all were sent at once ("inf" as text, or Infinity)."""
    rate = number(content, "request_rate")
    return rate if rate is not None and 0 < rate < float("inf") else None


def _figures(content: Record) -> dict[str, float]:
    figures = {}
    for theirs, ours in _NAMES.items():
        for statistic in ("mean", "p50", "p90", "p99"):
            also = (f"median_{theirs}_ms",) if statistic == "p50" else ()
            value = number(content, f"{statistic}_{theirs}_ms", *also)
            if value:
                figures[f"{ours}_{statistic}_s"] = value / 1e3
    return figures
