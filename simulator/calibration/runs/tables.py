"""Predicted against measured as tables of text and as figures, the same for the screen and for HTML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulator.calibration.runs.gate import Verdict
from simulator.calibration.runs.medians import OURS, SUMMED_UP, Line, summarise
from simulator.calibration.runs.power_trace import WINDOWS_S
from simulator.calibration.runs.validation import Figure, RunReport
from simulator.reporting.numbers import NOTHING, number
from simulator.reporting.predicted_measured import Pair, predicted_against_measured
from simulator.reporting.table import Table

if TYPE_CHECKING:
    import plotly.graph_objects as go

#: How metrics are headed in the table of medians.
HEADINGS = {
    "e2e_mean_s": "E2E mean",
    "e2e_p99_s": "E2E p99",
    "ttft_mean_s": "TTFT mean",
    "ttft_p99_s": "TTFT p99",
    "tpot_mean_s": "TPOT mean",
    "output_tokens_per_s": "tokens/s",
    "output_tokens_per_s_mean_of_seconds": "tokens/s by second",
}
#: Metrics that are drawn, one panel each.
DRAWN = ("e2e_mean_s", "e2e_p99_s", "ttft_mean_s", "ttft_p99_s", "tpot_mean_s", "output_tokens_per_s")


def run_table(report: RunReport) -> Table:
    """One run: every figure, and how far others were off."""
    title = f"{report.name} ({report.model} on {report.device})"
    header = ("", "predicted", "measured", "error", *(peer.simulator for peer in report.peers))
    rows = tuple(_figure_row(report, figure) for figure in report.figures)
    fitted = [peer.simulator for peer in report.peers if peer.fitted]
    notes = [report.note] if report.note else []
    if fitted:
        notes.append(f"fitted to or profiled for this very run: {', '.join(fitted)}")
    if report.unpredicted:
        notes.append(f"not predicted: {', '.join(report.unpredicted)}")
    return Table(title, header, rows, "; ".join(notes))


def _figure_row(report: RunReport, figure: Figure) -> tuple[str, ...]:
    peers = (_error(peer.errors.get(figure.metric)) for peer in report.peers)
    return (
        figure.metric,
        number(figure.predicted),
        number(figure.measured),
        _error(figure.error),
        *peers,
    )


def median_table(reports: Sequence[RunReport]) -> Table:
    """Medians of absolute errors by group, overloaded runs left out."""
    lines = summarise(reports)
    columns = [metric for metric in SUMMED_UP if any(metric in line.medians for line in lines)]
    header = ("group", "simulator", *(HEADINGS[metric] for metric in columns))
    rows = tuple(
        (
            line.group if line.simulator == OURS else "",
            line.simulator,
            *(_median(line, metric) for metric in columns),
        )
        for line in lines
    )
    note = "number of runs in parentheses; overloaded runs left out"
    return Table("Medians of absolute errors over runs", header, rows, note)


def overload_table(reports: Sequence[RunReport]) -> Table:
    """Errors of the overloaded runs, one line each."""
    runs = [report for report in reports if report.reason is None and report.overloaded]
    columns = [metric for metric in SUMMED_UP if any(run.error(metric) is not None for run in runs)]
    rows = tuple((run.name, *(_error(run.error(metric)) for metric in columns)) for run in runs)
    header = ("run", *(HEADINGS[metric] for metric in columns))
    return Table("Overloaded runs, in no median", header, rows)


def power_table(reports: Sequence[RunReport]) -> Table:
    """Draw over time: error of the mean, and mean absolute errors in windows."""
    rows = tuple(
        (
            report.name,
            trace.sensor,
            number(float(trace.predicted.mean()), "W"),
            number(float(trace.measured.mean()), "W"),
            _error(trace.mean_error),
            *(number(100 * trace.error_over(width), "%") for width in WINDOWS_S),
        )
        for report in reports
        for trace in report.power
    )
    windows = (f"windows of {width} s" for width in WINDOWS_S)
    header = ("run", "sensor", "predicted", "measured", "error", *windows)
    note = "windows: mean absolute error over the mean draw; devices on a clock of their own are aligned"
    return Table("Power over time", header, rows, note)


def refusal_table(reports: Sequence[RunReport]) -> Table:
    """Runs that were not simulated, and why."""
    rows = tuple((report.name, report.reason) for report in reports if report.reason is not None)
    return Table("Not simulated", ("run", "reason"), rows)


def verdict_table(verdicts: Sequence[Verdict]) -> Table:
    """Medians against the bounds of the regression gate."""
    rows = tuple(
        (
            verdict.group,
            HEADINGS.get(verdict.metric, verdict.metric),
            number(100 * verdict.bound, "%"),
            number(None if verdict.found is None else 100 * verdict.found, "%"),
            "not judged: too few runs" if verdict.found is None else "holds" if verdict.holds else "BROKEN",
        )
        for verdict in verdicts
    )
    return Table("Regression gate", ("group", "metric", "bound", "median", ""), rows)


def summary_tables(reports: Sequence[RunReport]) -> list[Table]:
    """What the runs come to; tables without rows are left out."""
    tables = (
        median_table(reports),
        overload_table(reports),
        power_table(reports),
        refusal_table(reports),
    )
    return [table for table in tables if table.rows]


def run_figures(reports: Sequence[RunReport]) -> dict[str, go.Figure]:
    """Predicted against measured, one figure per metric, one colour per group."""
    figures = {}
    for metric in DRAWN:
        pairs = [
            Pair(figure.predicted, figure.measured, report.name, _series(report))
            for report in reports
            for figure in report.figures
            if figure.metric == metric
        ]
        if pairs:
            unit = "tokens/s" if metric == "output_tokens_per_s" else "s"
            figures[metric] = predicted_against_measured(pairs, HEADINGS[metric], unit)
    return figures


def _series(report: RunReport) -> str:
    return "overloaded" if report.overloaded else report.groups[0]


def _error(error: float | None) -> str:
    return NOTHING if error is None else f"{100 * error:+.1f} %"


def _median(line: Line, metric: str) -> str:
    found = line.medians.get(metric)
    return NOTHING if found is None else f"{100 * found.error:.1f} % ({found.runs})"
