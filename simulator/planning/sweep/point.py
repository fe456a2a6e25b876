"""One point of a sweep: what is set, the seed, and the record that its simulation leaves."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from simulator.errors import InputError
from simulator.planning.paired import BATCHES, LATENCIES
from simulator.results.latencies import is_finished, latencies_of
from simulator.results.recording import RequestColumns
from simulator.results.result import Result
from simulator.scenario.loading import load_scenario, placed_here
from simulator.simulation import run_scenario

#: What a sweep starts from: path, shipped name or mapping.
Source = str | Path | Mapping[str, Any]
#: Keys and their values, in the order in which they are set.
Settings = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Point:
    """What is set, in order, and the seed.

    ``meant`` are the settings with paths as they are meant in the folder in which the point was made: in
    another folder, or a worker's, the same words may name another file.
    """

    settings: Settings
    seed: int
    meant: Settings = field(init=False, repr=False)

    def __post_init__(self) -> None:
        meant = tuple((key, placed_here(key, value)) for key, value in self.settings)
        object.__setattr__(self, "meant", meant)

    def identity(self, base: str) -> str:
        """Name of the point among all points of any sweep; ``base`` is the digest of the scenario."""
        return digest([base, [[key, value] for key, value in self.meant], self.seed])


@dataclass(frozen=True, slots=True)
class PointRecord:
    """What is kept of a finished point.

    Attributes
    ----------
    identity
        As `Point.identity`.
    settings, seed
        The point.
    reason
        Why there are no figures (a model that does not fit, say); None where it ran.
    figures
        All single figures of the summary under its keys.
    batches
        Means of every latency over batches of consecutive requests [ms], for paired differences.
    traffic
        Digest of arrivals and lengths: equal for points that served the same requests.
    wall_s
        Time that the simulation took [s].
    """

    identity: str
    settings: dict[str, Any]
    seed: int
    reason: str | None = None
    figures: dict[str, Any] = field(default_factory=dict)
    batches: dict[str, list[float | None]] = field(default_factory=dict)
    traffic: str = ""
    wall_s: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def run_point(source: Source, base: str, point: Point) -> PointRecord:
    """Simulate one point; what is wrong with it is in its record."""
    started = time.perf_counter()
    about = (point.identity(base), dict(point.settings), point.seed)
    try:
        result = run_scenario(load_scenario(source, dict(point.meant)), seed=point.seed)
    except InputError as error:
        return PointRecord(*about, reason=str(error), wall_s=time.perf_counter() - started)
    requests = result.recording.requests
    return PointRecord(
        *about,
        figures=single_figures(result),
        batches=batch_means(result),
        traffic=_traffic(requests),
        wall_s=time.perf_counter() - started,
    )


def single_figures(result: Result) -> dict[str, Any]:
    """The figures of a summary that are single values; shares by name become keys of their own."""
    flat: dict[str, Any] = {}
    for key, value in result.summary.to_dict().items():
        if isinstance(value, Mapping):
            flat |= {f"{key}_{name}": part for name, part in value.items() if not isinstance(part, Mapping)}
        elif not isinstance(value, list | tuple):
            flat[key] = value
    return flat


def batch_means(result: Result) -> dict[str, list[float | None]]:
    """Mean latencies over batches of requests in order of their numbers [ms]; None for an empty batch."""
    requests = result.recording.requests
    kept = np.flatnonzero(is_finished(requests) & (requests.arrival_ns >= result.context.warmup_ns))
    order = kept[np.argsort(requests.request[kept])]
    if len(order) < 2 * BATCHES:
        return {}
    edges = np.linspace(0, int(requests.request.max()) + 1, BATCHES + 1)
    batch = np.clip(np.searchsorted(edges, requests.request[order], side="right") - 1, 0, BATCHES - 1)
    latencies = latencies_of(requests)
    found: dict[str, list[float | None]] = {}
    for attribute, name in LATENCIES:
        values = getattr(latencies, attribute)[order]
        known = ~np.isnan(values)
        total = np.bincount(batch[known], values[known], BATCHES)
        count = np.bincount(batch[known], minlength=BATCHES)
        found[name] = [float(s / n) if n else None for s, n in zip(total, count, strict=True)]
    return found


def digest(value: Any) -> str:
    """Short digest of plain values, the same in every process."""
    text = json.dumps(value, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _traffic(requests: RequestColumns) -> str:
    order = np.argsort(requests.request)
    found = hashlib.sha256()
    for column in (requests.request, requests.arrival_ns, requests.prompt_tokens):
        found.update(np.ascontiguousarray(column[order]).tobytes())
    return found.hexdigest()[:20]
