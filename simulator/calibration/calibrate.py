"""From anybody's measurements to a backend that a scenario can name.

Where engine steps were noted, step times are regressed on them and reports beside them are predicted only;
else the coefficients are found by simulating the reports' loads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from simulator.calibration.fitting.holdout import in_words, leave_each_out, leave_later_half_out, score
from simulator.calibration.fitting.server import Server
from simulator.calibration.fitting.simulated import SimulatedFit, Trial, fit_simulated, trials_of
from simulator.calibration.fitting.steps import StepFit, fit_steps, joined
from simulator.calibration.measured_on import what_was_measured
from simulator.calibration.reports import Measurement, read_measurements
from simulator.engine.settings import EngineSettings
from simulator.errors import InputError
from simulator.latency.fitted import FittedBackend, LeftOut
from simulator.latency.measured_on import MeasuredOn, listed

#: How often context that several decodes share is counted.
Sharing = Literal["each", "once"]
#: Mean error on what was fitted from which on the form does not suit the data [1].
POOR = 0.25
#: Mean error on what was fitted above which a fit is of no use: figures wrong by their own size [1].
USELESS = 1.0
#: Condition number above which it is only said that it is that large.
SINGULAR = 1e6


@dataclass(frozen=True, slots=True)
class Calibration:
    """A fitted backend and what it rests on.

    Attributes
    ----------
    method
        How it was fitted, in words.
    errors
        Standard error over value of each coefficient [1].
    in_sample
        Mean absolute error on what it was fitted to [1].
    """

    backend: FittedBackend
    method: str
    errors: dict[str, float]
    in_sample: float
    notes: tuple[str, ...] = ()

    def refuse_useless(self, most: float) -> None:
        """Nothing is to be priced with a fit that misses its own data.

        Parameters
        ----------
        most
            Error on its own data that is still taken [1].

        Raises
        ------
        InputError
            Where the fit is off by more than that.
        """
        if self.in_sample > most:
            notes = "".join(f"; {note}" for note in self.notes)
            raise InputError(
                f"the fit is off by {self.in_sample:.0%} on its own data, at most {most:.0%} is taken, and"
                f" nothing was written{notes}; to write it nevertheless, allow more with --most-error"
            )

    def to_yaml(self) -> str:
        """The file that a scenario's pool names."""
        import yaml

        values = self.backend.model_dump(mode="json", exclude_defaults=True)
        values["knots_ms"] = dict(self.backend.knots_ms)
        values["measured_on"] = self.backend.measured_on.model_dump(exclude_none=True)
        text: str = yaml.safe_dump(
            {"format": self.backend.format, **values}, sort_keys=False, allow_unicode=True, width=100
        )
        return text

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "method": self.method,
            "in_sample_error": self.in_sample,
            "standard_errors": self.errors,
            "notes": list(self.notes),
            "backend": self.backend.model_dump(mode="json"),
        }


def calibrate(
    paths: Sequence[Path],
    engine: dict[str, Any] | None = None,
    name: str | None = None,
    on: dict[str, Any] | None = None,
) -> Calibration:
    """Fit a backend to measurements.

    Parameters
    ----------
    paths
        Measured runs, benchmark results, reports, scrapes.
    engine
        Settings of the engine that served them, under vLLM's names; they go before what the data state.
    name
        Of the backend; default: that of the model.
    on
        Device, model, format of weights and layout that were measured (`MeasuredOn`); they go before what
        the data state.

    Raises
    ------
    InputError
        Where the data are damaged, too few, or of different models or devices.
    """
    measurements = read_measurements(paths)
    measured_on = what_was_measured(measurements, on or {})
    server = Server(engine or {})
    trials = trials_of(measurements, server)
    noted = [trial for trial in trials if trial.measurement.steps is not None]
    about = {
        "name": name or measured_on.model or measurements[0].name,
        "source": _source(measurements),
        "date": datetime.now(UTC).date().isoformat(),
        "measured_on": measured_on,
    }
    if noted:
        # shortened for trials by simulating; steps need no shortening
        noted = [Trial(one, server.settings_for(one)) for one in measurements if one.steps is not None]
        others = [trial for trial in trials if trial.measurement.steps is None]
        return _from_steps(noted, others, about)
    return _from_reports(trials, about)


def _from_steps(noted: list[Trial], others: list[Trial], about: dict[str, Any]) -> Calibration:
    sharing = _sharing(noted)

    def backend(trials: Sequence[Trial]) -> FittedBackend:
        return _fit(trials, sharing).backend(error="-", shared_context=sharing, **about)

    held_out = leave_each_out(noted, backend) if len(noted) > 1 else leave_later_half_out(noted[0], backend)
    fit = _fit(noted, sharing)
    for trial in others:
        held_out += score(trial, backend(noted), trial.measurement.name)
    identified = fit.identification
    final = fit.backend(
        shared_context=sharing,
        error=in_words(held_out),
        condition=_condition(identified.condition),
        not_identified=identified.unidentified,
        held_out=tuple(held_out),
        **about,
    )
    method = f"regression on {fit.steps:,} engine steps of {len(noted)} measured run{'s'[: len(noted) > 1]}"
    notes = (*_poor(fit.error), *_notes(noted + others, final.measured_on))
    return Calibration(final, method, identified.errors, fit.error, notes)


def _sharing(trials: Sequence[Trial]) -> Sharing:
    """Whether context that decodes share counts for each of them or once: what explains the steps better."""
    if all(trial.measurement.steps_once is None for trial in trials):
        return "each"
    return "once" if _fit(trials, "once").error < _fit(trials, "each").error else "each"


def _fit(trials: Sequence[Trial], sharing: Sharing) -> StepFit:
    parts = []
    for trial in trials:
        one = trial.measurement
        counted = one.steps_once if sharing == "once" and one.steps_once is not None else one.steps
        assert counted is not None
        parts.append(counted)
    return fit_steps(joined(parts))


def _from_reports(trials: list[Trial], about: dict[str, Any]) -> Calibration:
    fit = fit_simulated(trials)
    kept = [name for name in fit.values if not name.startswith("rate of ")]

    def backend(some: Sequence[Trial]) -> FittedBackend:
        return fit_simulated(some, kept).backend(error="-", **about)

    held_out = (
        leave_each_out(trials, backend) if len(trials) > 1 else leave_later_half_out(trials[0], backend)
    )
    final = fit.backend(
        error=in_words(held_out),
        condition=_condition(fit.condition),
        not_identified=fit.unidentified,
        held_out=tuple(held_out),
        **about,
    )
    figures = sum(len(trial.figures) for trial in trials)
    method = (
        f"{len(fit.values)} coefficients found by simulating {len(trials)} load{'s'[: len(trials) > 1]}"
        f" until {figures} figures were met"
    )
    notes = (*_poor(fit.error), *_notes(trials, final.measured_on), *_rates(fit))
    return Calibration(final, method, _shares(fit), fit.error, notes)


def _poor(error: float) -> tuple[str, ...]:
    if error < POOR:
        return ()
    return (
        f"off by {error:.0%} on its own data means that the engine's settings are not those of the server,"
        " or that something else than its steps took the time",
    )


def _shares(fit: SimulatedFit) -> dict[str, float]:
    return {name: fit.spread[name] / value for name, value in fit.values.items() if value > 0}


def _rates(fit: SimulatedFit) -> tuple[str, ...]:
    rates = {name: value for name, value in fit.values.items() if name.startswith("rate of ")}
    return tuple(
        f"{name}: {value:.3g} requests/s, fitted to the steps per request" for name, value in rates.items()
    )


def _condition(value: float) -> float:
    return float(f"{min(value, SINGULAR):.4g}")


def _notes(trials: Sequence[Trial], measured_on: MeasuredOn) -> tuple[str, ...]:
    stated = [note for trial in trials for note in trial.measurement.notes]
    assumed = [_assumed(trial.settings) for trial in trials if not trial.measurement.engine]
    return tuple(dict.fromkeys([*stated, *assumed, *_unsaid(measured_on)]))


def _unsaid(measured_on: MeasuredOn) -> tuple[str, ...]:
    if not measured_on.unsaid:
        return ()
    return (
        f"the data do not state the {listed(measured_on.unsaid)} that was measured: say it with --on"
        " KEY=VALUE, so that runs on something else warn",
    )


def _assumed(settings: EngineSettings) -> str:
    return (
        f"the data do not state the engine's settings; simulated with max_num_seqs={settings.max_num_seqs},"
        f" max_num_batched_tokens={settings.max_num_batched_tokens},"
        f" async_scheduling={str(settings.async_scheduling).lower()} and a cache that is never short:"
        " say yours with --set KEY=VALUE"
    )


def _source(measurements: Sequence[Measurement]) -> str:
    kinds: dict[str, list[str]] = {}
    for one in measurements:
        kinds.setdefault(one.kind, []).append(one.name)
    return "; ".join(f"{kind} {', '.join(names)}" for kind, names in kinds.items())


__all__ = ["Calibration", "LeftOut", "calibrate"]
