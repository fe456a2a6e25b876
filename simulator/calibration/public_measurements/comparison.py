"""Predicted against measured for every public figure, by family of devices.

Compared are the time per output token where it was published, else the rate that one user sees, else
the rate of the whole system; and the time to the first token where it was published.

A figure is *predicted* unless constants of the device were fitted to it (``fitted_on`` in its
profile). One that is faster than the stated chips can read the stated weights is *shown*, not
scored: something else than what was stated must have been running.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from statistics import median
from typing import Any, Literal

from simulator.calibration.public_measurements.measurement import PublicMeasurement, read_measurements
from simulator.calibration.public_measurements.prediction import Prediction, predict
from simulator.calibration.public_measurements.setup import CannotSimulateError
from simulator.hardware.catalogue import device_names, load_device

Metric = Literal["TPOT", "TTFT", "tokens/s/user", "tokens/s"]
Use = Literal["predicted", "fitted", "shown", "not simulated"]


@dataclass(frozen=True, slots=True)
class PublicRow:
    """One compared figure, or a row that could not be simulated.

    Attributes
    ----------
    family
        Vendor of the device.
    measured, predicted
        TPOT and TTFT in milliseconds, rates in tokens per second.
    reason
        Why the row is shown or not simulated; else what was assumed, if anything.
    """

    id: str
    family: str
    device: str
    model: str
    use: Use
    metric: Metric | None = None
    measured: float | None = None
    predicted: float | None = None
    reason: str = ""

    @property
    def error(self) -> float | None:
        """Relative error of the prediction [1]."""
        if self.measured is None or self.predicted is None:
            return None
        return self.predicted / self.measured - 1.0

    def to_dict(self) -> dict[str, Any]:
        """As an entry of a JSON list."""
        if self.use == "not simulated":
            return {"row": self.id, "family": self.family, "reason": self.reason}
        figures = {"metric": self.metric, "predicted": self.predicted, "measured": self.measured}
        return {"row": self.id, "family": self.family, **figures, "use": self.use, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class FamilySummary:
    """Median absolute errors of one family and metric [1], None where there is no such row."""

    family: str
    metric: str
    predicted: int
    median_error: float | None
    fitted: int
    median_error_fitted: float | None


def validate_measurements(path: str | Path) -> list[PublicRow]:
    """Simulate every row of a file of public measurements that can be simulated.

    Raises
    ------
    InputError
        Where the file is missing or not of that form.
    """
    return [row for measurement in read_measurements(path) for row in compare(measurement)]


def compare(measurement: PublicMeasurement) -> list[PublicRow]:
    """The figures of one measurement beside what the simulator says."""
    about = (measurement.id, family_of(measurement.device), measurement.device, measurement.model)
    try:
        prediction = predict(measurement)
    except CannotSimulateError as cannot:
        return [PublicRow(*about, "not simulated", reason=str(cannot))]
    rows = []
    for metric, measured, predicted in _figures(measurement, prediction):
        use, reason = _use(measurement, prediction, metric)
        rows.append(PublicRow(*about, use, metric, measured, predicted, reason))
    return rows


def family_of(device: str) -> str:
    """The vendor of a device, or the device itself where it has no profile."""
    return load_device(device).vendor if device in device_names() else device


def _figures(measured: PublicMeasurement, predicted: Prediction) -> list[tuple[Metric, float, float]]:
    figures: list[tuple[Metric, float, float]] = []
    if measured.tpot_s is not None:
        figures.append(("TPOT", measured.tpot_s * 1e3, predicted.tpot_ms))
    elif measured.end_to_end_s is not None and measured.output_tokens is not None:
        rate = measured.output_tokens / measured.end_to_end_s
        figures.append(("tokens/s/user", rate, measured.output_tokens / predicted.end_to_end_s))
    elif measured.output_tok_s_user is not None:
        figures.append(("tokens/s/user", measured.output_tok_s_user, 1e3 / predicted.tpot_ms))
    elif measured.output_tok_s_total is not None:
        figures.append(("tokens/s", measured.output_tok_s_total, predicted.tokens_per_s))
    if measured.ttft_s is not None:
        figures.append(("TTFT", measured.ttft_s * 1e3, predicted.ttft_ms))
    return figures


def _use(measurement: PublicMeasurement, prediction: Prediction, metric: Metric) -> tuple[Use, str]:
    if measurement.above_bound and not measurement.speculative_decoding:
        return "shown", "faster than the stated chips can read the stated weights: not plain decoding"
    names = (measurement.id, f"{measurement.id}:{metric}")
    fitted = any(fnmatchcase(name, pattern) for name in names for pattern in prediction.fitted_on)
    return ("fitted" if fitted else "predicted"), prediction.setup.assumed


def summarise_families(rows: Iterable[PublicRow]) -> list[FamilySummary]:
    """Median absolute errors by family and metric, in order of family; rates count as one metric."""
    groups: dict[tuple[str, str], list[PublicRow]] = {}
    for row in rows:
        if row.metric is not None and row.use in ("predicted", "fitted"):
            metric = "TTFT" if row.metric == "TTFT" else "decode"
            groups.setdefault((row.family, metric), []).append(row)
    return [_summary(*names, members) for names, members in sorted(groups.items())]


def _summary(family: str, metric: str, rows: Sequence[PublicRow]) -> FamilySummary:
    predicted = [abs(row.error) for row in rows if row.use == "predicted" and row.error is not None]
    fitted = [abs(row.error) for row in rows if row.use == "fitted" and row.error is not None]
    return FamilySummary(
        family,
        metric,
        len(predicted),
        median(predicted) if predicted else None,
        len(fitted),
        median(fitted) if fitted else None,
    )
