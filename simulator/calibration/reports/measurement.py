"""One load that a server was given, and what was measured of how it was served."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from simulator.calibration.points.load import Load
from simulator.latency.measured_on import NOTHING_KNOWN, MeasuredOn
from simulator.latency.pricer import Floats, Ints, StepColumns
from simulator.results.latencies import defined
from simulator.units.clock import NS_PER_S
from simulator.workload.traffic import RequestSource, Traffic

STATISTICS = (50, 90, 99)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a client saw of single requests, in the order of the load; NaN where unknown.

    Times in seconds, shape (n,). ``gaps_s`` are the times between tokens of all requests, and ``gaps_of``
    the request that each belongs to.
    """

    ttft_s: Floats
    tpot_s: Floats
    e2e_s: Floats
    gaps_s: Floats = field(default_factory=lambda: np.empty(0))
    gaps_of: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def figures(self, kept: np.ndarray | None = None) -> dict[str, float]:
        """Means and percentiles under the keys of measured runs, of some requests or of all."""
        chosen = np.ones(len(self.ttft_s), dtype=np.bool_) if kept is None else kept
        named = [("ttft", self.ttft_s[chosen]), ("tpot", self.tpot_s[chosen]), ("e2e", self.e2e_s[chosen])]
        if len(self.gaps_s):
            named.append(("itl", self.gaps_s[chosen[self.gaps_of]]))
        return {key: value for name, seconds in named for key, value in statistics_of(name, seconds).items()}

    def first(self, count: int) -> Seen:
        """Of the first so many requests."""
        inside = self.gaps_of < count
        return Seen(
            self.ttft_s[:count],
            self.tpot_s[:count],
            self.e2e_s[:count],
            self.gaps_s[inside],
            self.gaps_of[inside],
        )


def of_model(name: object) -> MeasuredOn:
    """What is known where a report names the model that was served, and nothing else."""
    return MeasuredOn(model=name if isinstance(name, str) and name else None)


def statistics_of(name: str, seconds: Floats) -> dict[str, float]:
    """Mean and percentiles [s] of the values that are known."""
    known = defined(np.asarray(seconds, dtype=np.float64))
    if not len(known):
        return {}
    found = {f"{name}_mean_s": float(known.mean())}
    return found | {f"{name}_p{p}_s": float(np.percentile(known, p)) for p in STATISTICS}


@dataclass(frozen=True, slots=True)
class Measurement:
    """One load and its measured figures.

    Attributes
    ----------
    kind
        Which program made it.
    load
        The requests; where ``at_rate`` is given, those of a guessed arrival rate.
    figures
        Measured, under the keys of measured runs (``ttft_mean_s``), and ``steps_per_request``.
    seen
        The same request by request, where that is known.
    steps, steps_once
        Every engine step, where they were noted; and with context that decodes share counted once, where
        they do and a replay tells who shared what.
    at_rate
        The load at a given rate [1/s], where the measurement does not say the rate.
    rate
        The guessed one [1/s].
    behind_api
        Whether the clock starts behind the API server, so that its time is not in the latencies.
    on
        Device, model, format of weights and layout, as far as the measurement states them.
    engine
        Engine settings that the measurement itself states, under vLLM's names.
    """

    name: str
    kind: str
    load: RequestSource
    figures: dict[str, float]
    seen: Seen | None = None
    steps: StepColumns | None = None
    steps_once: StepColumns | None = None
    at_rate: Callable[[float], RequestSource] | None = None
    rate: float = 0.0
    behind_api: bool = False
    on: MeasuredOn = NOTHING_KNOWN
    engine: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def traffic(self) -> Traffic:
        """All requests of the load as one chunk."""
        chunks = list(self.load.chunks())
        return chunks[0] if len(chunks) == 1 else _joined(chunks)

    def first(self, count: int) -> Measurement:
        """The measurement as if it had ended after so many requests; needs ``seen``."""
        assert self.seen is not None
        seen = self.seen.first(count)
        part = _first(self.traffic, count)
        return replace(
            self,
            load=Load(part, self.load.concurrency, ends_on_stop=self.load.ends_on_stop),
            figures=seen.figures(),
            seen=seen,
        )


def _first(traffic: Traffic, count: int) -> Traffic:
    def cut(values: Any) -> Any:
        return None if values is None else values[:count]

    return Traffic(
        traffic.arrival_ns[:count],
        traffic.prompt_tokens[:count],
        traffic.output_tokens[:count],
        cut(traffic.thinking_tokens),
        cut(traffic.priority),
        cut(traffic.pieces),
        cut(traffic.names),
        cut(traffic.think_ns),
    )


def _joined(chunks: list[Traffic]) -> Traffic:
    pieces = [piece for chunk in chunks for piece in chunk.pieces or []]
    return Traffic(
        np.concatenate([chunk.arrival_ns for chunk in chunks]),
        np.concatenate([chunk.prompt_tokens for chunk in chunks]),
        np.concatenate([chunk.output_tokens for chunk in chunks]),
        pieces=pieces or None,
    )


@dataclass(frozen=True, slots=True)
class Served:
    """Requests as a client noted them, in any order; shape (n,) each, times in seconds."""

    start_s: Floats
    prompt_tokens: Ints
    output_tokens: Ints
    ttft_s: Floats
    e2e_s: Floats
    gaps_s: tuple[Floats, ...] | None = None

    def load_and_seen(self, concurrency: int | None) -> tuple[Load, Seen]:
        """In order of sending, the first at time 0; without those that got no token."""
        kept = np.flatnonzero((self.output_tokens > 0) & (self.prompt_tokens > 0))
        order = kept[np.argsort(self.start_s[kept], kind="stable")]
        start = self.start_s[order] - self.start_s[order[0]]
        outputs = self.output_tokens[order]
        ttft, e2e = self.ttft_s[order], self.e2e_s[order]
        tpot = np.where(outputs > 1, (e2e - ttft) / np.maximum(outputs - 1, 1), np.nan)
        gaps = [] if self.gaps_s is None else [self.gaps_s[i] for i in order.tolist()]
        gaps_of = np.repeat(np.arange(len(gaps)), [len(gap) for gap in gaps])
        flat = np.concatenate(gaps) if gaps else np.empty(0)
        traffic = Traffic(
            np.rint(start * NS_PER_S).astype(np.int64),
            self.prompt_tokens[order].astype(np.int32),
            outputs.astype(np.int32),
        )
        return Load(traffic, concurrency), Seen(ttft, tpot, e2e, flat, gaps_of.astype(np.int64))
