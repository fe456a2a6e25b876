"""Single comparisons of a prediction with a measurement, from all kinds of data in one form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from simulator.calibration.not_simulated import NotSimulated
from simulator.calibration.points.point import OperatingPoint, read_points
from simulator.calibration.points.setup import card_of
from simulator.calibration.points.validation import compare
from simulator.calibration.public_measurements import validate_measurements
from simulator.calibration.public_measurements.comparison import PublicRow
from simulator.calibration.runs.measured import MeasuredRun, read_run, runs_at
from simulator.calibration.runs.power_trace import ROW_S, WALL
from simulator.calibration.runs.server import card_of as card_of_run
from simulator.calibration.runs.validation import RunReport, report_on
from simulator.errors import InputError, SimulatorError
from simulator.models.card import ModelCard
from simulator.models.catalogue import load_model
from simulator.results.accuracy import Kind, LoadClass, ModelClass, load_class

_RUN_METRICS = {
    "ttft_mean_s": "ttft_mean",
    "ttft_p99_s": "ttft_p99",
    "tpot_mean_s": "tpot_mean",
    "e2e_mean_s": "e2e_mean",
    "e2e_p99_s": "e2e_p99",
}
_POINT_METRICS = {
    "ttft_s": "ttft_mean",
    "tpot_s": "tpot_mean",
    "e2e_s": "e2e_mean",
    "output_tokens_per_s": "output_throughput",
    "total_tokens_per_s": "total_token_throughput",
    "power_w": "power",
    "joules_per_output_token": "energy_per_output_token",
}
_PUBLIC_METRICS = {
    "TTFT": "ttft_mean",
    "TPOT": "tpot_mean",
    "tokens/s/user": "output_throughput",
    "tokens/s": "output_throughput",
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure: relative error [1], and where it belongs.

    ``in_flight`` are requests in flight at one replica.
    """

    kind: Kind
    source: str
    device: str
    model: str
    model_class: ModelClass
    in_flight: float
    load: LoadClass
    metric: str
    error: float


@dataclass(frozen=True, slots=True)
class Refused:
    """Data that could not be simulated."""

    reason: str


Found = Comparison | Refused
#: Points of one file that are compared, at most.
MOST_POINTS = 900


def of_runs(folder: Path) -> Iterator[Found]:
    """Every measured run in a folder."""
    for run_folder in runs_at([folder]):
        try:
            run = read_run(run_folder)
        except InputError as error:
            yield Refused(error.message)
            continue
        report = report_on(run)
        yield from _of_run(run, report)


def _of_run(run: MeasuredRun, report: RunReport) -> Iterator[Found]:
    if report.reason is not None:
        yield Refused(report.reason)
        return
    in_flight = _in_flight(run)
    if in_flight is None:
        in_flight = report.in_flight
    if in_flight is None:
        yield Refused("the run does not say how many requests were in flight")
        return
    for name, error in errors_of(report):
        yield Comparison(
            "runs",
            run.source,
            run.hardware.device,
            run.model.id,
            class_of(card_of_run(run.model)),
            in_flight,
            "overloaded" if report.overloaded else load_class(in_flight),
            name,
            error,
        )


def errors_of(report: RunReport) -> Iterator[tuple[str, float]]:
    """Metric and error of each figure, and of the draw in each window, devices and wall apart."""
    for metric, name in _RUN_METRICS.items():
        error = report.error(metric)
        if error is not None:
            yield name, error
    for trace in report.power:
        for _, predicted, measured in trace.windows(ROW_S):
            if measured:
                yield "wall_power" if trace.sensor == WALL else "power", predicted / measured - 1.0


def _in_flight(run: MeasuredRun) -> float | None:
    """Requests in flight at one replica, by Little's law; None where the run's figures do not give it.

    Rate times time in the system, or where only tokens were counted, their rate times the time of one.
    """
    replicas = run.parallelism.replicas if run.parallelism else 1
    if run.client is not None and run.client.concurrency is not None:
        return run.client.concurrency / replicas
    figures, rate = run.figures, _rate(run)
    if rate is None or "e2e_mean_s" not in figures:
        rate, lasts = figures.get("output_tokens_per_s"), figures.get("tpot_mean_s")
    else:
        lasts = figures["e2e_mean_s"]
    return None if rate is None or lasts is None else rate * lasts / replicas


def _rate(run: MeasuredRun) -> float | None:
    """Requests per second, measured or asked for."""
    rate, stages = run.figures.get("requests_per_s"), run.workload.load_stages
    if rate is None and stages:
        return sum(stage.rate * stage.duration for stage in stages) / sum(s.duration for s in stages)
    return rate


def of_points(file: Path) -> Iterator[Found]:
    """The operating points of a file; of a long one every so many-th, for medians need no more."""
    points = list(read_points(file))
    for point in points[:: -(-len(points) // MOST_POINTS)]:
        try:
            model_class = class_of(card_of(point))
        except NotSimulated as reason:
            yield Refused(str(reason))
            continue
        yield from _of_point(point, model_class)


def _of_point(point: OperatingPoint, model_class: ModelClass) -> Iterator[Found]:
    in_flight = _in_flight_of(point)
    seen: set[str] = set()
    for row in compare(point).rows:
        if "reason" in row:
            yield Refused(row["reason"])
            continue
        if in_flight is None:
            yield Refused("the row does not say how many requests were in flight")
            return
        name = _POINT_METRICS.get(row["metric"])
        if name is None or name in seen or not row["measured"]:
            continue
        seen.add(name)
        yield Comparison(
            "points",
            point.source,
            point.device or "",
            point.model,
            model_class,
            in_flight,
            load_class(in_flight),
            name,
            row["predicted"] / row["measured"] - 1.0,
        )


def _in_flight_of(point: OperatingPoint) -> float | None:
    """Requests in flight, of an open loop by Little's law; None where the row does not give them."""
    value = point.load_value
    if point.load_kind != "open" or value is None:
        return value
    lasts = point.measured.get("e2e_s", _answered_s(point))
    return None if lasts is None else max(value * lasts, 1.0)


def _answered_s(point: OperatingPoint) -> float | None:
    """Time in the system from the times of its tokens [s]."""
    first, each, output = point.measured.get("ttft_s"), point.measured.get("tpot_s"), point.output_tokens
    return None if first is None or each is None or output is None else first + each * (output - 1)


def of_public_figures(file: Path) -> Iterator[Found]:
    """Published figures that no constant was fitted to."""
    for row in validate_measurements(file):
        if row.use == "not simulated":
            yield Refused(row.reason)
        elif row.use == "predicted":
            yield from _of_public(row)


def _of_public(row: PublicRow) -> Iterator[Found]:
    if row.error is None or row.metric is None:
        return
    try:
        model_class = class_of(load_model(row.model))
    except SimulatorError:
        return
    yield Comparison(
        "public figures",
        "vendors and reviewers",
        row.device,
        row.model,
        model_class,
        1.0,
        "light",
        _PUBLIC_METRICS[row.metric],
        row.error,
    )


def class_of(card: ModelCard) -> ModelClass:
    """Dense, or a mixture of experts."""
    return "dense" if card.moe is None else "MoE"


def units(shared: Path) -> dict[str, Callable[[], Iterator[Found]]]:
    """All data of the shared folder, by the names that they are compared anew under."""
    found: dict[str, Callable[[], Iterator[Found]]] = {
        "runs": partial(of_runs, shared / "traces" / "runs"),
        "public figures": partial(of_public_figures, shared / "facts" / "measured.yaml"),
    }
    for file in sorted((shared / "traces" / "points").glob("*.csv.gz")):
        found[file.name.removesuffix(".csv.gz")] = partial(of_points, file)
    return found
