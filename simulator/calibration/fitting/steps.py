"""Step times regressed on the aggregates of measured engine steps.

Least squares with coefficients of at least zero, residuals weighted by 1/t^0.7 (between absolute and
relative errors), steps far off the rest counting less: another program on the machine makes a step slow,
nothing makes one fast.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from simulator.calibration.fitting.form import StepForm, knots_for
from simulator.calibration.fitting.identification import Identification, identify
from simulator.errors import InputError
from simulator.latency.fitted import FittedBackend
from simulator.latency.pricer import Floats, StepColumns
from simulator.units.clock import NS_PER_S
from simulator.workload.importers.text_file import Array, Parser, read_columns, seconds, token_counts

#: Exponent of a step's time in the weight of its residual.
WEIGHT = 0.7
#: From how many decodes on each further one may cost more; the best of them is taken.
CROWDS = (None, 8, 16, 32, 64)
#: Rounds of counting outlying steps less, and from how many mean errors on a step is outlying.
ROUNDS = 3
OUTLYING = 3.0
#: Longest pause after a step that is the engine's own work and not a lack of requests [s].
LOOP_S = 2e-3
#: Fewer steps than that are no basis for a fit.
FEWEST_STEPS = 50
#: A crowd must improve the fit by this share, or the form goes without, and begin within this share of the
#: largest batch seen: beyond lies what its cost is told from.
WORTHWHILE = 0.005
CROWD_WITHIN = 0.5


@dataclass(frozen=True, slots=True)
class StepFit:
    """A fitted step time.

    Attributes
    ----------
    knots_ms, coefficients
        As in `FittedBackend`.
    error
        Mean absolute error over the mean step, on the steps it was fitted to [1].
    steps
        How many those were.
    """

    knots_ms: dict[int, float]
    crowd_from: int
    coefficients: dict[str, float]
    error: float
    steps: int
    identification: Identification

    def backend(self, **about: Any) -> FittedBackend:
        """The backend of these coefficients; ``about`` says its name, source, date and error."""
        values = {name: float(f"{value:.6g}") for name, value in self.coefficients.items()}
        knots = {tokens: float(f"{ms:.6g}") for tokens, ms in self.knots_ms.items()}
        return FittedBackend(
            format="fitted-backend/1", knots_ms=knots, crowd_from=self.crowd_from, **values, **about
        )


def fit_steps(steps: StepColumns) -> StepFit:
    """Coefficients of the form that come closest to the durations of these steps.

    Raises
    ------
    InputError
        Where there are too few steps.
    """
    if len(steps.duration_ns) < FEWEST_STEPS:
        raise InputError(f"found {len(steps.duration_ns)} engine steps; a fit needs {FEWEST_STEPS}")
    knots = knots_for(steps.prefill_tokens + steps.decode_tokens)
    most = int(steps.decode_sequences.max())
    best: tuple[float, StepForm, Floats] | None = None
    for crowd_from in CROWDS:
        if crowd_from is not None and crowd_from > CROWD_WITHIN * most:
            continue
        form = StepForm(knots, crowd_from)
        values, loss = _solve(form, steps)
        if best is None or loss < best[0] * (1 - WORTHWHILE):
            best = (loss, form, values)
    assert best is not None
    _, form, values = best
    return _fit_of(form, values, steps)


def _fit_of(form: StepForm, values: Floats, steps: StepColumns) -> StepFit:
    columns = form.columns(steps)
    weight = _weights(steps.duration_ns)
    off = columns @ values - steps.duration_ns
    weighted = columns * weight[:, None]
    knots_ms, coefficients = form.coefficients(values)
    return StepFit(
        knots_ms,
        form.crowd_from or 0,
        coefficients,
        float(np.abs(off).mean() / steps.duration_ns.mean()),
        len(off),
        identify(form.names, values, weighted, off * weight),
    )


def _solve(form: StepForm, steps: StepColumns) -> tuple[Floats, float]:
    """Values of the columns [ns], and the mean weighted error."""
    from scipy.optimize import nnls

    durations = steps.duration_ns.astype(np.float64)
    columns = form.columns(steps)
    scale = np.maximum(np.abs(columns).max(axis=0), 1e-9)
    trust = _weights(steps.duration_ns)
    weight = trust
    values = np.zeros(columns.shape[1])
    for _ in range(ROUNDS):
        # the triangle of a QR decomposition has the same least squares as the thousands of rows
        q, r = np.linalg.qr(columns / scale * weight[:, None])
        found, _residual = nnls(r, q.T @ (durations * weight))
        values = found / scale
        off = np.abs(columns @ values - durations) * trust
        weight = trust * np.sqrt(np.minimum(1.0, OUTLYING * off.mean() / np.maximum(off, 1e-12)))
    return values, float(off.mean())


def _weights(durations_ns: np.ndarray) -> Floats:
    relative = durations_ns / durations_ns.mean()
    weights: Floats = np.maximum(relative, 1e-3) ** -WEIGHT
    return weights


_ITERATION_COLUMNS: dict[str, Parser] = {
    "start_s": seconds,
    "duration_s": seconds,
    "prefill_tokens": token_counts,
    "decode_tokens": token_counts,
    "prefill_requests": token_counts,
    "decode_requests": token_counts,
}


def _sums(texts: Any) -> Array:
    """a whole number of at least zero"""
    values = np.array(list(map(int, texts)), dtype=np.int64)
    if len(values) and values.min() < 0:
        raise ValueError
    return values


_SUMS: dict[str, Parser] = dict.fromkeys(
    ("total_context_tokens", "prefill_context_tokens", "prefill_attn_products"), _sums
)


def read_steps(iterations: Path) -> StepColumns:
    """The steps of a run's ``iterations.csv.gz``.

    A step lasts until the next begins, where that follows at once: what the engine's loop does between two
    steps delays requests just as well.

    Raises
    ------
    InputError
        Where the file is damaged or lacks a column.
    """
    table = read_columns(iterations, _ITERATION_COLUMNS | _SUMS, {})
    start, duration = table["start_s"], table["duration_s"]
    until_next = np.append(np.diff(start), np.inf)
    pause = until_next - duration
    lasting = np.where((pause >= 0) & (pause < LOOP_S), until_next, duration)
    return StepColumns(
        np.maximum(np.rint(lasting * NS_PER_S), 1).astype(np.int64),
        table["prefill_tokens"],
        table["prefill_requests"],
        table["prefill_context_tokens"],
        table["prefill_attn_products"],
        table["decode_requests"],
        table["decode_tokens"],
        table["total_context_tokens"] - table["prefill_context_tokens"],
    )


def joined(parts: list[StepColumns]) -> StepColumns:
    """Steps of several runs as one."""
    return StepColumns(
        *(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(StepColumns))
    )


def part_of(steps: StepColumns, kept: np.ndarray) -> StepColumns:
    """Some of the steps."""
    return StepColumns(*(getattr(steps, field.name)[kept] for field in fields(StepColumns)))
