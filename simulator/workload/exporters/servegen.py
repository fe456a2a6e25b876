"""ServeGen's upstream layout: a folder with the windows and length histograms of clients.

All requests become one client: a trace does not say who sent what. Each window of ten minutes gets its
rate and the coefficient of variation of its gaps, as gamma gaps; each six hours get the histograms of
prompts, outputs and, where there is thinking, of its share. What a histogram cannot hold is lost: the order
of requests, the pairing of prompt and output, and shared content.
"""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulator.errors import InputError
from simulator.units.clock import NS_PER_S
from simulator.workload.chunking import joined
from simulator.workload.importers.servegen import LENGTHS_S, WINDOW_S
from simulator.workload.traffic import Traffic

#: Gaps a window needs before their variation means anything.
_FEWEST_GAPS = 8
#: Shares of thinking are counted in steps of this.
_SHARE_STEP = 0.05


def write_servegen(chunks: Iterable[Traffic], target: Path) -> int:
    """Write ``chunk-0-trace.csv`` and ``chunk-0-dataset.json`` into a new folder.

    Raises
    ------
    InputError
        Where the folder exists or cannot be made, or there are no requests.
    """
    parts = list(chunks)
    if not parts or not sum(map(len, parts)):
        raise InputError("there are no requests to write", file=target)
    if target.exists():
        raise InputError("exists; ServeGen's layout is a folder, name a new one", file=target)
    if not target.parent.is_dir():
        raise InputError("its folder does not exist", file=target)
    traffic = joined(parts)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        with (folder / "chunk-0-trace.csv").open("w", newline="", encoding="utf-8") as text:
            csv.writer(text, lineterminator="\n").writerows(_windows(traffic.arrival_ns / NS_PER_S))
        dataset = json.dumps(_dataset(traffic))
        (folder / "chunk-0-dataset.json").write_text(dataset, encoding="utf-8")
        folder.chmod(0o755)  # mkdtemp makes a private folder
        folder.rename(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return len(traffic)


def _windows(times: NDArray[np.float64]) -> list[list[str]]:
    """Start [s], rate [1/s], variation of the gaps, family, shape and scale [s] of every window."""
    rows = []
    numbers = (times // WINDOW_S).astype(int)
    for number in range(int(numbers[-1]) + 1):
        inside = times[numbers == number]
        if not len(inside):
            rows.append([str(number * WINDOW_S), "0", "0", "", "", ""])
            continue
        rate, gaps = len(inside) / WINDOW_S, np.diff(inside)
        cv = float(gaps.std() / gaps.mean()) if len(gaps) >= _FEWEST_GAPS and gaps.mean() > 0 else 1.0
        shape = max(cv, 1e-3) ** -2
        figures = (rate, cv, "Gamma", shape, 1.0 / (rate * shape))
        rows.append([str(number * WINDOW_S), *(f if isinstance(f, str) else f"{f:.6g}" for f in figures)])
    return rows


def _dataset(traffic: Traffic) -> dict[str, dict[str, str]]:
    """Per six hours and field, a Python dict {value: probability} as text."""
    windows = (traffic.arrival_ns // (LENGTHS_S * NS_PER_S)).astype(int)
    dataset = {}
    for number in np.unique(windows).tolist():
        here = windows == number
        fields = {
            "input_tokens": _histogram(traffic.prompt_tokens[here]),
            "output_tokens": _histogram(traffic.output_tokens[here]),
        }
        if traffic.thinking_tokens is not None:
            share = traffic.thinking_tokens[here] / traffic.output_tokens[here]
            fields["reason_ratio"] = _histogram(np.round(np.round(share / _SHARE_STEP) * _SHARE_STEP, 2))
        dataset[str(number * LENGTHS_S)] = fields
    return dataset


def _histogram(values: NDArray[np.generic]) -> str:
    found, counts = np.unique(values, return_counts=True)
    shares = (counts / counts.sum()).tolist()
    return str(dict(zip(found.tolist(), shares, strict=True)))
