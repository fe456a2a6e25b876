"""ServeGen's clients (alibaba/ServeGen): rates per window of ten minutes, length histograms per six hours.

Upstream, a folder holds two files per client: ``chunk-N-trace.csv`` without a header (window
start [s], rate [1/s], coefficient of variation of the gaps, Gamma or Weibull or nothing when
idle, shape, scale [s]) and ``chunk-N-dataset.json`` (window start -> field -> a *string* that
holds a Python dict {value: probability}). The same in two files for all clients:
``X_windows.csv[.gz]`` and ``X_lengths.jsonl[.gz]``. A client without lengths is left out.
"""

from __future__ import annotations

import ast
import csv
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.errors import InputError
from simulator.workload.importers.text_file import located, opened

#: Length of a window of rates, and of one of lengths [s].
WINDOW_S = 600
LENGTHS_S = 21_600

WINDOWS_FILE = re.compile(r"(?P<stem>.+)_windows\.csv(?P<gz>\.gz)?$")
CHUNK_FILE = re.compile(r"chunk-(?P<number>\d+)-trace\.csv$")
COLUMNS = ("client", "window_start_s", "rate_rps", "iat_cv", "pattern", "shape", "scale_s")


@dataclass(frozen=True, slots=True)
class Window:
    """What one client does in one window: arrivals [1/s] and the shape of their gaps."""

    rate: float
    family: str
    shape: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """A field's values and their cumulative probabilities."""

    values: NDArray[np.float64]
    cumulative: NDArray[np.float64]

    def draw(self, uniform: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values at the given uniform numbers."""
        index = np.searchsorted(self.cumulative, uniform, side="right")
        return self.values[np.minimum(index, len(self.values) - 1)]


@dataclass(slots=True)
class Client:
    """One client: its windows by start [s], and the histograms of its fields by start [s]."""

    windows: dict[int, Window] = field(default_factory=dict)
    lengths: dict[int, dict[str, Histogram]] = field(default_factory=dict)

    @property
    def requests(self) -> float:
        """Requests in all windows."""
        return WINDOW_S * sum(window.rate for window in self.windows.values())

    def histograms(self, at_s: int) -> dict[str, Histogram]:
        """The fields that hold at a time: those of its six hours, else of the nearest ones."""
        start = at_s // LENGTHS_S * LENGTHS_S
        nearest = min(self.lengths, key=lambda other: (abs(other - start), other))
        return self.lengths[nearest]


def read_servegen(file: str | Path, base_dir: Path | None = None) -> dict[int, Client]:
    """All clients with arrivals and lengths, by number.

    Raises
    ------
    InputError
        Where the files are missing, empty or not in one of the two layouts.
    """
    path = located(file, base_dir)
    clients = _read_folder(path) if path.is_dir() else _read_pair(path)
    whole = {
        number: client for number, client in sorted(clients.items()) if client.windows and client.lengths
    }
    if not whole:
        raise InputError("has no client with both arrivals and lengths", file=path)
    return whole


def _read_pair(path: Path) -> dict[int, Client]:
    match = WINDOWS_FILE.match(path.name)
    if match is None:
        raise InputError(
            "expected a folder of chunk-N-trace.csv files, or a file X_windows.csv[.gz]", file=path
        )
    clients: dict[int, Client] = defaultdict(Client)
    with opened(path) as text:
        for line, row in enumerate(csv.DictReader(text), 2):
            values = [row.get(name) for name in COLUMNS]
            try:
                number, start = int(values[0] or ""), int(float(values[1] or ""))
                window = _window(values[2], values[4], values[5])
            except ValueError as error:
                raise InputError(
                    f"not a row of {', '.join(COLUMNS)}", file=path, key=f"line {line}"
                ) from error
            if window is not None:
                clients[number].windows[start] = window
    lengths = located(path.with_name(f"{match['stem']}_lengths.jsonl{match['gz'] or ''}"), None)
    with opened(lengths) as text:
        for line, content in enumerate(text, 1):
            try:
                row = json.loads(content)
                fields = {name: _histogram(value["v"], value["p"]) for name, value in _fields(row)}
                clients[int(row["client"])].lengths[int(row["window_start_s"])] = fields
            except (ValueError, KeyError, TypeError) as error:
                raise InputError("not a row of ServeGen lengths", file=lengths, key=f"line {line}") from error
    return clients


def _fields(row: dict[str, Any]) -> Iterator[tuple[str, dict[str, list[float]]]]:
    """The histograms of a row, without the empty ones."""
    for name, value in row.items():
        if isinstance(value, dict) and value["v"]:
            yield name, value


def _read_folder(path: Path) -> dict[int, Client]:
    clients: dict[int, Client] = {}
    for trace in sorted(path.iterdir()):
        match = CHUNK_FILE.match(trace.name)
        dataset = trace.with_name(trace.name.replace("trace.csv", "dataset.json"))
        if match and dataset.exists():
            clients[int(match["number"])] = Client(_read_windows(trace), _read_dataset(dataset))
    return clients


def _read_windows(path: Path) -> dict[int, Window]:
    windows = {}
    with opened(path) as text:
        for line, row in enumerate(csv.reader(text), 1):
            try:
                start, rate, _, pattern, shape, _ = (row + [""] * 6)[:6]
                window = _window(rate, pattern, shape)
                if window is not None:
                    windows[int(float(start))] = window
            except ValueError as error:
                raise InputError("not a row of a ServeGen trace", file=path, key=f"line {line}") from error
    return windows


def _window(rate: str | None, pattern: str | None, shape: str | None) -> Window | None:
    """A row's window; None where the client is idle."""
    if not pattern or float(rate or 0.0) <= 0.0:
        return None
    if pattern not in ("Gamma", "Weibull"):
        raise ValueError(pattern)
    return Window(float(rate or ""), pattern.lower(), float(shape or ""))


def _read_dataset(path: Path) -> dict[int, dict[str, Histogram]]:
    with opened(path) as text:
        try:
            windows = json.load(text)
            return {
                int(float(start)): fields
                for start, content in windows.items()
                if (fields := {name: _parsed(value) for name, value in content.items() if _parsed(value)})
            }
        except (ValueError, AttributeError, SyntaxError) as error:
            raise InputError("is not a ServeGen dataset file", file=path) from error


def _parsed(text: Any) -> Any:
    """The histogram behind a string with a Python dict; None where it is empty."""
    pairs = ast.literal_eval(text) if isinstance(text, str) else text
    return _histogram(list(pairs), list(pairs.values())) if pairs else None


def _histogram(values: list[Any], weights: list[Any]) -> Histogram:
    number = np.asarray([float(value) for value in values])
    share = np.asarray(weights, dtype=np.float64)
    order = np.argsort(number)
    cumulative = np.cumsum(share[order])
    if not len(cumulative) or cumulative[-1] <= 0.0:
        raise ValueError("a histogram without weight")
    return Histogram(number[order], cumulative / cumulative[-1])
