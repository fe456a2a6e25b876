"""Step times from what clients saw: the load through the exact scheduler, coefficients by trial.

    t = step + token * (T - 1) + sequence * n + context * C + product * P,    TTFT and E2E later by request

with T tokens, n decodes, C their context and P the attention products of prompts. The coefficients are those
whose simulated TTFT, TPOT, inter-token and end-to-end times come closest to the measured ones (least squares
of logarithms, each figure with the error that repeating a run has). A handful of figures can seldom tell
them all: beginning with a step's fixed time and its time per token, further ones are taken in one by one,
the most certain first, as long as the data tell them from zero; the others are named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.calibration.fitting.identification import (
    SIGNIFICANT,
    TOGETHER,
    condition_of,
    covariance_of,
)
from simulator.calibration.fitting.server import Server, serve, simulated_figures
from simulator.calibration.reports.measurement import Measurement
from simulator.engine.settings import EngineSettings
from simulator.errors import InputError
from simulator.latency.fitted import FittedBackend
from simulator.latency.pricer import Floats

#: By how much a figure differs when the same load is run again (share), as measured on vLLM on a CPU.
REPEATS = {"mean": 0.02, "p50": 0.03, "p90": 0.05, "p99": 0.10, "request": 0.03}
NAMES = ("step_ms", "token_us", "sequence_us", "context_us", "product_us", "request_ms")
#: Every fit has these.
FIRST = ("step_ms", "token_us")
#: Step of the search, in parts of a coefficient's usual size.
STEP = 0.05
#: A prediction that cannot be made counts as being off by this factor (logarithm).
IMPOSSIBLE = 3.0
#: Requests of one measurement that are simulated, at most.
MOST_REQUESTS = 1500
#: Tokens at the end of the straight f.
LAST_KNOT = 8192
_ABOUT = {"name": "trial", "source": "trial", "date": "-", "error": "-"}


@dataclass(frozen=True, slots=True)
class Trial:
    """A measurement with the engine that served it."""

    measurement: Measurement
    settings: EngineSettings

    @property
    def figures(self) -> dict[str, float]:
        """What is to be met: positive figures with a known repeatability."""
        return {
            key: value for key, value in self.measurement.figures.items() if value > 0 and _repeats(key) > 0
        }


@dataclass(frozen=True, slots=True)
class SimulatedFit:
    """Coefficients found by simulating.

    Attributes
    ----------
    values
        By the names of ``NAMES`` and ``rate of MEASUREMENT``; those that are not identified are 0.
    spread
        Standard errors of those that are not.
    condition, full_condition
        Of the coefficients that were kept, and of all of them.
    unidentified
        In words.
    error
        Mean absolute error over all figures that were fitted [1].
    """

    values: dict[str, float]
    spread: dict[str, float]
    condition: float
    full_condition: float
    unidentified: tuple[str, ...]
    error: float

    def backend(self, **about: object) -> FittedBackend:
        """The backend of these coefficients."""
        return backend_of(self.values, **about)


def backend_of(values: dict[str, float], **about: object) -> FittedBackend:
    """The backend with these coefficients; what is missing is 0."""
    step, token = values.get("step_ms", 0.0), values.get("token_us", 0.0)
    knots = {1: _rounded(step), LAST_KNOT: _rounded(step + token * (LAST_KNOT - 1) / 1e3)}
    others = ("sequence_us", "context_us", "product_us", "request_ms")
    return FittedBackend.model_validate(
        {
            "format": "fitted-backend/1",
            "knots_ms": knots,
            **{name: _rounded(values.get(name, 0.0)) for name in others},
            **about,
        }
    )


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def trials_of(measurements: Sequence[Measurement], server: Server) -> list[Trial]:
    """Measurements with their engines, cut to what can be simulated many times over.

    Raises
    ------
    InputError
        Where one has no latencies at all.
    """
    trials = []
    for one in measurements:
        if one.seen is not None and len(one.traffic) > MOST_REQUESTS:
            one = one.first(MOST_REQUESTS)
        trial = Trial(one, server.settings_for(one))
        _refuse_long_requests(trial)
        if not any(key.startswith(("ttft", "tpot", "itl", "e2e")) for key in trial.figures):
            raise InputError(f"{one.name} has no latencies to fit to")
        trials.append(trial)
    return trials


def _refuse_long_requests(trial: Trial) -> None:
    traffic, settings = trial.measurement.traffic, trial.settings
    longest = int((traffic.prompt_tokens.astype(np.int64) + traffic.output_tokens).max())
    room = min(settings.max_model_len, (settings.num_gpu_blocks - 1) * settings.block_size)
    if longest > room:
        raise InputError(
            f"the longest request of {trial.measurement.name} has {longest:,} tokens, but the engine holds"
            f" {room:,}; say what it had with --set max_model_len=... or num_gpu_blocks=..."
        )


def fit_simulated(trials: Sequence[Trial], names: Sequence[str] | None = None) -> SimulatedFit:
    """Coefficients that bring simulated figures closest to the measured ones.

    Parameters
    ----------
    names
        Coefficients to fit; default: all that the data can tell from zero.
    """
    search = _Search(trials)
    if names is not None:
        chosen = [*names, *search.rates]
        return search.result(chosen, search.solve(chosen, search.start(chosen)), (), float("nan"))
    chosen = [*FIRST, *search.rates]
    point = search.solve(chosen, search.start(chosen))
    refused: list[str] = []
    while True:
        candidates = [name for name in search.candidates if name not in chosen and name not in refused]
        jacobian, off = search.jacobian([*chosen, *candidates], np.append(point, np.zeros(len(candidates))))
        looked = [
            _look(name, jacobian[:, : len(chosen)], jacobian[:, len(chosen) + place], off)
            for place, name in enumerate(candidates)
        ]
        best = max(looked, key=lambda one: one.certainty, default=None)
        if best is None or best.certainty < SIGNIFICANT:
            break
        tried = [*chosen, best.name]
        found = search.solve(tried, np.append(point, best.estimate))
        if found[-1] > 0 and search.loss(tried, found) < search.loss(chosen, point):
            chosen, point = tried, found
        else:
            refused.append(best.name)
    left = [_words(search, one, chosen) for one in looked]
    left += [f"{name}: taking it in makes nothing better; held at 0" for name in refused]
    return search.result(chosen, point, tuple(left), condition_of(jacobian))


@dataclass(frozen=True, slots=True)
class _Look:
    """What adding a coefficient promises, to first order and in its usual size."""

    name: str
    estimate: float
    spread: float
    alike: tuple[float, ...]

    @property
    def certainty(self) -> float:
        """Estimate over standard error."""
        return self.estimate / self.spread


def _look(name: str, columns: Floats, column: Floats, off: Floats) -> _Look:
    """The column of a coefficient that is not in yet, beside those that are."""
    length = float(np.linalg.norm(column))
    if length < 1e-9:
        return _Look(name, 0.0, np.inf, tuple(0.0 for _ in range(columns.shape[1])))
    variance = max(float(off @ off) / max(len(off) - columns.shape[1] - 1, 1), 1.0)
    basis, _ = np.linalg.qr(columns)
    own = column - basis @ (basis.T @ column)
    rest = max(float(np.linalg.norm(own)), 1e-6 * length)
    alike = np.abs(columns.T @ column) / np.maximum(np.linalg.norm(columns, axis=0) * length, 1e-12)
    return _Look(name, float(-(own @ off)) / rest**2, variance**0.5 / rest, tuple(alike.tolist()))


def _words(search: _Search, one: _Look, chosen: Sequence[str]) -> str:
    most = (max(one.estimate, 0.0) + SIGNIFICANT * one.spread) * search.sizes[one.name]
    if not np.isfinite(most):
        return f"{one.name}: no figure depends on it; held at 0"
    place = int(np.argmax(one.alike))
    like = (
        f", acts like {chosen[place]} (correlation {one.alike[place]:.2f})"
        if one.alike[place] > TOGETHER
        else ""
    )
    return f"{one.name}: not to be told from 0 (at most {most:.3g}){like}; held at 0"


def _repeats(key: str) -> float:
    return REPEATS.get(key.removesuffix("_s").rsplit("_", 1)[-1], 0.0)


class _Search:
    """Least squares in units of each coefficient's usual size."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        self.trials = trials
        self.rates = {
            f"rate of {trial.measurement.name}": trial
            for trial in trials
            if trial.measurement.at_rate is not None
        }
        self.sizes = _sizes(trials) | {name: trial.measurement.rate for name, trial in self.rates.items()}
        behind_api = all(trial.measurement.behind_api for trial in trials)
        self.candidates = [
            name for name in NAMES if name not in FIRST and not (behind_api and name == "request_ms")
        ]

    def start(self, names: Sequence[str]) -> Floats:
        """A first guess."""
        first = {"step_ms": 0.8, "token_us": 0.8}
        return np.array([1.0 if name in self.rates else first.get(name, 0.3) for name in names])

    def solve(self, names: Sequence[str], start: Floats) -> Floats:
        """The best point, in sizes."""
        from scipy.optimize import least_squares

        def off(point: Floats) -> Floats:
            return self.off(names, point)

        def jacobian(point: Floats) -> Floats:
            return self.jacobian(names, point)[0]

        low = [0.1 if name in self.rates or name == "step_ms" else 0.0 for name in names]
        result = least_squares(
            off,
            np.maximum(start, np.array(low) + 1e-6),
            jac=jacobian,
            bounds=(low, np.inf),
            loss="soft_l1",
            max_nfev=15,
            xtol=1e-3,
            ftol=1e-3,
        )
        found: Floats = np.where(result.x < 1e-3, 0.0, result.x)
        return found

    def loss(self, names: Sequence[str], point: Floats) -> float:
        """What the search makes small."""
        off = self.off(names, point)
        return float((np.sqrt(1.0 + off**2) - 1.0).sum())

    def off(self, names: Sequence[str], point: Floats) -> Floats:
        """Logarithmic errors of all figures over their repeatability."""
        values = self.values(names, point)
        fit = backend_of(values, **_ABOUT)
        parts: list[float] = []
        for trial in self.trials:
            one = trial.measurement
            rate = values.get(f"rate of {one.name}")
            load = one.at_rate(rate) if one.at_rate is not None and rate else None
            recording = serve(one, trial.settings, fit, load)
            predicted = {} if recording is None else simulated_figures(recording)
            for key, measured in trial.figures.items():
                got = predicted.get(key, 0.0)
                error = np.log(got / measured) if got > 0 else IMPOSSIBLE
                parts.append(float(error) / _repeats(key))
        return np.array(parts)

    def jacobian(self, names: Sequence[str], point: Floats) -> tuple[Floats, Floats]:
        """Change of the errors with each coefficient, and the errors."""
        here = self.off(names, point)
        columns = []
        for index in range(len(names)):
            moved = point.copy()
            moved[index] += STEP
            columns.append((self.off(names, moved) - here) / STEP)
        return np.column_stack(columns), here

    def variance(self, off: Floats, coefficients: int) -> float:
        """Of one figure, in its own repeatability; never better than a repeated run."""
        return max(float(off @ off) / max(len(off) - coefficients, 1), 1.0)

    def values(self, names: Sequence[str], point: Floats) -> dict[str, float]:
        """Coefficients in their units."""
        return {name: float(x) * self.sizes[name] for name, x in zip(names, point.tolist(), strict=True)}

    def result(self, names: Sequence[str], point: Floats, left: tuple[str, ...], full: float) -> SimulatedFit:
        """The fit at a point."""
        jacobian, off = self.jacobian(names, point)
        covariance = covariance_of(jacobian, self.variance(off, len(names)))
        spread = np.sqrt(np.maximum(np.diag(covariance), 0.0))
        repeats = np.array([_repeats(key) for trial in self.trials for key in trial.figures])
        return SimulatedFit(
            self.values(names, point),
            self.values(names, spread),
            condition_of(jacobian),
            full,
            left,
            float(np.abs(np.expm1(off * repeats)).mean()),
        )


def _sizes(trials: Sequence[Trial]) -> dict[str, float]:
    """The usual size of each coefficient: what makes it a fair part of the times that were measured."""
    parts = [_sizes_of(trial.measurement) for trial in trials]
    return {name: float(np.median([part[name] for part in parts])) for name in NAMES}


def _sizes_of(one: Measurement) -> dict[str, float]:
    figures, traffic = one.figures, one.traffic
    prompt, output = float(traffic.prompt_tokens.mean()), float(traffic.output_tokens.mean())
    e2e = figures.get("e2e_mean_s", 0.0)
    tpot = figures.get("itl_p50_s") or figures.get("tpot_mean_s") or figures.get("itl_mean_s")
    tpot = tpot or e2e / max(output, 1.0) or 0.02
    ttft = figures.get("ttft_p50_s") or figures.get("ttft_mean_s") or 3 * tpot
    span = max(float(traffic.arrival_ns[-1] - traffic.arrival_ns[0]) / 1e9, e2e, 1e-3)
    batch = max(one.load.concurrency or len(traffic) * (e2e or output * tpot) / span, 1.0)
    return {
        "step_ms": tpot * 1e3,
        "token_us": max(ttft - tpot, 0.2 * tpot) / max(prompt, 1.0) * 1e6,
        "sequence_us": 0.3 * tpot / batch * 1e6,
        "context_us": 0.3 * tpot / (batch * (prompt + output / 2)) * 1e6,
        "product_us": 0.3 * ttft / max(prompt, 1.0) ** 2 * 1e6,
        "request_ms": 0.3 * ttft * 1e3,
    }
