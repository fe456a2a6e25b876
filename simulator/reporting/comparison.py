"""Several results beside one another, and beside a measured run where there is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.reporting import numbers as show
from simulator.reporting import style
from simulator.reporting.figures import LatencySample, latency_distributions, sample_of
from simulator.reporting.hardware import devices_in_words
from simulator.reporting.table import Table
from simulator.results.distributions import distribution_of
from simulator.results.latencies import defined
from simulator.results.recording import Floats
from simulator.results.result import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, slots=True)
class Measured:
    """A real run to hold predictions against.

    Attributes
    ----------
    label, source
        Its name in tables and figures; where it was measured.
    ttft, tpot, e2e
        Latencies of its finished requests [ms], NaN left out, in any order.
    figures
        Its figures under the keys of ``Summary.to_dict``.
    """

    label: str
    source: str
    ttft: Floats
    tpot: Floats
    e2e: Floats
    figures: dict[str, float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Results to show side by side under one title; ``text`` says what is compared and why.

    ``tables`` and ``figures`` come after the ones that every comparison has.
    """

    title: str
    results: Sequence[Result]
    measured: Measured | None = None
    text: str = ""
    labels: Sequence[str] | None = None
    tables: Sequence[Table] = ()
    figures: Mapping[str, go.Figure] = field(default_factory=dict)

    def names(self) -> list[str]:
        """One distinct name per result."""
        names = list(self.labels) if self.labels else [result.context.scenario for result in self.results]
        return [f"{name} ({i + 1})" if names.count(name) > 1 else name for i, name in enumerate(names)]


def measured_run(
    label: str,
    source: str,
    *,
    ttft_s: Floats,
    e2e_s: Floats,
    prompt_tokens: Floats,
    output_tokens: Floats,
    duration_s: float,
    itl_s: Floats | None = None,
) -> Measured:
    """Figures of a measured run from its finished requests, one array element each.

    ``duration_s`` [s] runs from the first arrival to the last finish. TPOT is (E2E - TTFT) / (output tokens -
    1), undefined for one token. ``itl_s`` are all inter-token latencies [s] where they were measured.
    """
    gaps = output_tokens - 1
    tpot_s = np.divide(e2e_s - ttft_s, gaps, out=np.full(len(gaps), np.nan), where=gaps > 0)
    samples = {"ttft": ttft_s * 1e3, "tpot": defined(tpot_s) * 1e3, "e2el": e2e_s * 1e3}
    if itl_s is not None:
        samples["itl"] = itl_s * 1e3
    figures = {
        "duration": duration_s,
        "completed": float(len(ttft_s)),
        "request_throughput": len(ttft_s) / duration_s,
        "output_throughput": float(output_tokens.sum()) / duration_s,
        "total_token_throughput": float((prompt_tokens + output_tokens).sum()) / duration_s,
    }
    for name, values in samples.items():
        found = distribution_of(values)
        if found is not None:
            statistics = ("mean", "median", "std", "p50", "p90", "p95", "p99")
            figures |= {f"{statistic}_{name}_ms": getattr(found, statistic) for statistic in statistics}
    return Measured(label, source, samples["ttft"], samples["tpot"], samples["e2el"], figures)


#: Rows of a comparison: label, key of ``Summary.to_dict``, how to write the value.
Row = tuple[str, str, Callable[[Any], str]]


def _rate(value: float | None) -> str:
    return show.number(value, "/s")


def _joules(value: float | None) -> str:
    return show.number(value, "J", show.UNKNOWN)


PERFORMANCE_ROWS: tuple[Row, ...] = (
    ("Requests served", "request_throughput", _rate),
    ("Output tokens", "output_throughput", _rate),
    ("TTFT, mean", "mean_ttft_ms", show.milliseconds),
    ("TTFT, median", "median_ttft_ms", show.milliseconds),
    ("TTFT, p99", "p99_ttft_ms", show.milliseconds),
    ("TPOT, mean", "mean_tpot_ms", show.milliseconds),
    ("TPOT, median", "median_tpot_ms", show.milliseconds),
    ("TPOT, p99", "p99_tpot_ms", show.milliseconds),
    ("ITL, p99", "p99_itl_ms", show.milliseconds),
    ("E2E, mean", "mean_e2el_ms", show.milliseconds),
    ("E2E, p99", "p99_e2el_ms", show.milliseconds),
)
PLANNING_ROWS: tuple[Row, ...] = (
    ("Within objectives", "slo_attainment", show.percent),
    ("Queue grew without bound", "overloaded", lambda yes: "yes" if yes else "no"),
    ("Tokens/s of one user", "tokens_per_s_user", _rate),
    ("Chips", "devices", show.count),
    ("Servers or racks", "systems", show.count),
    ("Cost per hour", "cost_per_hour_usd", show.dollars),
    ("Per million output tokens", "cost_per_million_output_tokens_usd", show.dollars),
    ("Per million input and output tokens", "cost_per_million_tokens_usd", show.dollars),
    ("Per request", "cost_per_request_usd", show.dollars),
    ("Power limit of the chips", "power_limit_w", show.watts),
    ("Mean draw of the chips", "mean_power_w", show.watts),
    ("Mean draw of the site", "facility_power_w", show.watts),
    ("Energy per output token", "energy_per_output_token_j", _joules),
    ("Carbon per 1,000 requests", "carbon_per_1000_requests_g", show.grams),
)
#: Small bar charts of a comparison: key, title with unit.
BARS = (
    ("output_throughput", "output tokens<br>[1/s]"),
    ("p99_ttft_ms", "p99 TTFT<br>[ms]"),
    ("p99_tpot_ms", "p99 TPOT<br>[ms]"),
    ("cost_per_million_output_tokens_usd", "USD per million<br>output tokens"),
    ("energy_per_output_token_j", "J per<br>output token"),
)


def comparison_table(comparison: Comparison) -> Table:
    """One column per result; where a run was measured, its column first and each deviation from it."""
    measured = comparison.measured
    found = [result.summary.to_dict() for result in comparison.results]
    if measured is None:
        hardware = ("Hardware", *(_hardware(result) for result in comparison.results))
        rows = [hardware, *(_plain_row(row, found) for row in (*PERFORMANCE_ROWS, *PLANNING_ROWS))]
        return Table(comparison.title, ("", *comparison.names()), tuple(rows))
    rows = [_deviation_row(row, measured, found) for row in PERFORMANCE_ROWS if row[1] in measured.figures]
    header = ("", f"measured: {measured.label}", *(f"predicted: {name}" for name in comparison.names()))
    return Table(comparison.title, header, tuple(rows), f"Measured: {measured.source}")


def comparison_figures(comparison: Comparison) -> dict[str, go.Figure]:
    """Latency distributions over one another, and bars of what a planner weighs."""
    samples = [
        sample_of(result, name, style.colour(i))
        for i, (name, result) in enumerate(zip(comparison.names(), comparison.results, strict=True))
    ]
    measured = comparison.measured
    if measured is not None:
        real = LatencySample(
            measured.label, measured.ttft, measured.tpot, measured.e2e, style.MEASURED, "dot"
        )
        return {"latency": latency_distributions([real, *samples]), **comparison.figures}
    slo_of = comparison.results[0] if _same_objectives(comparison.results) else None
    drawn = {"latency": latency_distributions(samples, slo_of), "bars": bars(comparison)}
    return {**comparison.figures, **drawn}


def bars(comparison: Comparison) -> go.Figure:
    """One small bar chart per figure of merit; what is unknown is named so, not drawn as zero."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    names = comparison.names()
    found = [result.summary.to_dict() for result in comparison.results]
    figure = make_subplots(rows=1, cols=len(BARS), shared_yaxes=True, horizontal_spacing=0.03)
    for column, (key, title) in enumerate(BARS, start=1):
        values = [summary[key] for summary in found]
        figure.add_trace(
            go.Bar(
                x=[value or 0.0 for value in values],
                y=names,
                orientation="h",
                text=[show.number(value, otherwise=show.UNKNOWN) for value in values],
                # A bar without length would hide a text inside it.
                textposition=["auto" if value else "outside" for value in values],
                cliponaxis=False,
                marker={"color": [style.colour(i) for i in range(len(names))]},
                hovertemplate="%{y}: %{text}<extra></extra>",
            ),
            row=1,
            col=column,
        )
        figure.update_xaxes(title_text=title, rangemode="tozero", nticks=4, row=1, col=column)
    style.finish(figure, "Throughput, latency, cost, energy", height=190 + 44 * len(names), showlegend=False)
    return figure.update_yaxes(autorange="reversed", showgrid=False)


def _plain_row(row: Row, found: list[dict[str, Any]]) -> tuple[str, ...]:
    label, key, one = row
    text = show.alike(one, [summary[key] for summary in found])
    return (label, *(text(summary[key]) for summary in found))


def _deviation_row(row: Row, measured: Measured, found: list[dict[str, Any]]) -> tuple[str, ...]:
    label, key, text = row
    real = measured.figures[key]
    predicted = (summary[key] for summary in found)
    return (label, text(real), *(f"{text(value)} ({deviation(value, real)})" for value in predicted))


def deviation(predicted: float | None, real: float) -> str:
    """Signed relative error of a prediction as text."""
    if predicted is None or real == 0:
        return show.NOTHING
    return f"{(predicted - real) / real:+.1%}"


def _hardware(result: Result) -> str:
    pools = zip(result.context.pools, result.summary.pools, strict=True)
    return ", ".join(devices_in_words(about, use) for about, use in pools)


def _same_objectives(results: Sequence[Result]) -> bool:
    return len({result.context.slo for result in results}) == 1
