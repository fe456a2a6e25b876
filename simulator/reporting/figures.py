"""The figures of a result. Every axis names its unit; a colour means the same in all figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.reporting import style
from simulator.reporting.series import (
    PoolSeries,
    attainment_over_time,
    cumulative,
    hits_over_time,
    pool_series,
)
from simulator.reporting.task_figures import tasks_figure
from simulator.results.latencies import defined, is_finished, latencies_of
from simulator.results.recording import Floats
from simulator.results.result import Result
from simulator.results.waiting import waiting_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

#: Latencies that are drawn as distributions: attribute of ``Latencies``, axis title.
DRAWN_LATENCIES = (
    ("ttft", "time to first token [s]"),
    ("tpot", "time per output token [s]"),
    ("e2e", "end-to-end latency [s]"),
)


@dataclass(frozen=True, slots=True)
class LatencySample:
    """Latencies [ms] of one result or one measured run to draw as a distribution, NaN left out."""

    label: str
    ttft: Floats
    tpot: Floats
    e2e: Floats
    colour: str
    dash: str = "solid"


def figures_of(result: Result) -> dict[str, go.Figure]:
    """All figures of one result by name, in reading order."""
    series = {line.pool.name: pool_series(line) for line in waiting_of(result.recording).lines}
    figures = {
        "latency": latency_distributions(
            [sample_of(result, result.context.scenario, style.colour(0))], result
        ),
        "throughput": throughput_over_time(series),
        "batch": batch_over_time(series),
        "kv_cache": kv_use_over_time(series),
        "waiting": waiting_over_time(series),
        "bottlenecks": bottlenecks_over_time(series),
    }
    if any(pool.fleet is not None for pool in result.recording.pools):
        figures["replicas"] = replicas_over_time(series)
    if any(pool.prefix_hit_tokens for pool in result.recording.pools):
        figures["prefix_hits"] = prefix_hits_figure(result)
    if result.context.slo.per_request:
        figures["attainment"] = attainment_figure(result)
    if result.recording.tasks is not None:
        figures["tasks"] = tasks_figure(result.recording.tasks.columns)
    if result.summary.cost.total_usd is not None:
        figures["cost"] = cost_split(result)
    if result.summary.energy.total_j is not None:
        figures["energy"] = energy_split(result)
    return figures


def sample_of(result: Result, label: str, colour: str) -> LatencySample:
    """The latencies of the requests that arrived in a result's measured time and finished."""
    requests = result.recording.requests
    kept = is_finished(requests) & (requests.arrival_ns >= result.context.warmup_ns)
    values = latencies_of(requests)
    return LatencySample(
        label, defined(values.ttft[kept]), defined(values.tpot[kept]), defined(values.e2e[kept]), colour
    )


def latency_distributions(samples: Sequence[LatencySample], slo_of: Result | None = None) -> go.Figure:
    """Cumulative distributions of TTFT, TPOT and E2E side by side, with the objectives of ``slo_of``."""
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=1, cols=len(DRAWN_LATENCIES), shared_yaxes=True, horizontal_spacing=0.04)
    for column, (name, title) in enumerate(DRAWN_LATENCIES, start=1):
        drawn = [defined(getattr(sample, name)) / 1e3 for sample in samples]
        scale = "log" if _needs_log_scale(drawn) else "linear"
        figure.update_xaxes(title_text=title, type=scale, rangemode="tozero", row=1, col=column)
        for sample, values in zip(samples, drawn, strict=True):
            labelled = column == 1 and len(samples) > 1
            figure.add_trace(_distribution_line(sample, values, labelled), row=1, col=column)
        limit = None if slo_of is None else getattr(slo_of.context.slo, f"{name}_s")
        if limit is not None:
            _mark_objective(figure, limit, scale, column)
    figure.update_yaxes(title_text="requests within [%]", row=1, col=1)
    style.finish(figure, "Latency: share of requests at or below", height=360)
    return figure.update_yaxes(range=[0, 101])


def _distribution_line(sample: LatencySample, values_s: Floats, labelled: bool) -> go.Scatter:
    import plotly.graph_objects as go

    values, shares = cumulative(values_s)
    return go.Scatter(
        x=values,
        y=shares,
        mode="lines",
        name=sample.label,
        legendgroup=sample.label,
        showlegend=labelled,
        line={"color": sample.colour, "width": 2, "dash": sample.dash},
        hovertemplate="%{y:.1f} % within %{x:.4g} s<extra>" + sample.label + "</extra>",
    )


def _needs_log_scale(samples: Sequence[Floats]) -> bool:
    """True where one sample's median is over ten times another's: a linear axis would flatten one of them."""
    medians = [float(np.median(values)) for values in samples if len(values)]
    return len(medians) > 1 and max(medians) > 10 * min(medians) > 0


def _mark_objective(figure: go.Figure, limit_s: float, scale: str, column: int) -> None:
    line = {"color": style.OBJECTIVE, "width": 1.5, "dash": "dash"}
    figure.add_shape(
        type="line", x0=limit_s, x1=limit_s, y0=0, y1=1, yref="y domain", line=line, row=1, col=column
    )
    figure.add_annotation(
        # On a logarithmic axis plotly places annotations, unlike shapes, by exponent.
        x=math.log10(limit_s) if scale == "log" else limit_s,
        y=0,
        yref="y domain",
        text="objective",
        showarrow=False,
        xanchor="left",
        yanchor="bottom",
        font={"color": style.OBJECTIVE, "size": 11},
        row=1,
        col=column,
    )


def throughput_over_time(series: dict[str, PoolSeries]) -> go.Figure:
    """Tokens computed per second, prefill and decode apart, all pools together."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for phase in ("decode", "prefill"):
        for index, (pool, values) in enumerate(series.items()):
            rate = getattr(values, f"{phase}_tokens_per_s")
            if not rate.any():
                continue
            figure.add_trace(
                go.Scatter(
                    x=values.time_s,
                    y=rate,
                    mode="lines",
                    name=phase if len(series) == 1 else f"{phase}, {pool}",
                    line={"color": style.PHASES[phase], "width": 1.6, "dash": _dash(index)},
                )
            )
    figure.update_yaxes(title_text="tokens computed [1/s]")
    return _over_time(figure, "Throughput", legend=True)


def batch_over_time(series: dict[str, PoolSeries]) -> go.Figure:
    """Mean number of sequences in a step."""
    return _line_per_pool(series, "batch", "Batch size", "sequences per step")


def kv_use_over_time(series: dict[str, PoolSeries]) -> go.Figure:
    """Share of the KV cache blocks in use."""
    figure = _line_per_pool(series, "kv_use", "KV cache in use", "blocks in use [%]", scale=100)
    peak = max((np.nan_to_num(values.kv_use).max(initial=0.0) for values in series.values()), default=0.0)
    # The whole range where the cache fills up, the occupied part of it where it stays nearly empty.
    return figure.update_yaxes(range=[0, 101]) if peak > 0.3 else figure


def waiting_over_time(series: dict[str, PoolSeries]) -> go.Figure:
    """Mean number of requests waiting at the replicas of a pool."""
    return _line_per_pool(series, "waiting", "Waiting queue", "requests waiting")


def replicas_over_time(series: dict[str, PoolSeries]) -> go.Figure:
    """Replicas in service, where machines come, go or fail."""
    return _line_per_pool(series, "serving", "Replicas in service", "replicas")


def bottlenecks_over_time(series: dict[str, PoolSeries]) -> go.Figure:
    """What bound the steps, as shares of the busy time, one panel per pool."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    figure = make_subplots(
        rows=1,
        cols=max(len(series), 1),
        shared_yaxes=True,
        horizontal_spacing=0.04,
        subplot_titles=list(series) if len(series) > 1 else None,
    )
    shown: set[str] = set()
    for column, values in enumerate(series.values(), start=1):
        for name, share in values.bounds.items():
            if not np.nan_to_num(share).any():
                continue
            figure.add_trace(
                go.Scatter(
                    x=values.time_s,
                    y=100 * np.nan_to_num(share),
                    mode="lines",
                    stackgroup=f"pool {column}",
                    name=name,
                    legendgroup=name,
                    showlegend=name not in shown,
                    line={"width": 0.4, "color": style.BOUND_COLOURS[name]},
                    fillcolor=style.translucent(style.BOUND_COLOURS[name], 0.75),
                ),
                row=1,
                col=column,
            )
            shown.add(name)
    figure.update_yaxes(title_text="busy time [%]", col=1, row=1)
    _over_time(figure, "What bound the steps", legend=True)
    return figure.update_yaxes(range=[0, 101])


def attainment_figure(result: Result) -> go.Figure:
    """Share of requests within the objectives by time of arrival, with the share asked for."""
    import plotly.graph_objects as go

    figure = go.Figure(_share_line(*attainment_over_time(result)))
    figure.add_hline(
        y=100 * result.context.slo.attainment,
        line={"color": style.OBJECTIVE, "width": 1.5, "dash": "dash"},
        annotation={"text": "asked for", "font": {"color": style.OBJECTIVE, "size": 11}},
        annotation_position="bottom right",
    )
    figure.update_xaxes(title_text="time of arrival [s]", rangemode="tozero")
    figure.update_yaxes(title_text="requests within objectives [%]")
    style.finish(figure, "Objectives met over time", showlegend=False)
    return figure.update_yaxes(range=[0, 103])


def prefix_hits_figure(result: Result) -> go.Figure:
    """Share of prompt tokens that a prefix cache held, by the time at which requests were first scheduled."""
    import plotly.graph_objects as go

    figure = go.Figure(_share_line(*hits_over_time(result)))
    figure.update_yaxes(title_text="prompt tokens cached [%]")
    _over_time(figure, "Prefix cache hits", legend=False)
    return figure.update_yaxes(range=[0, 103])


def _share_line(time_s: Floats, share: Floats) -> go.Scatter:
    import plotly.graph_objects as go

    line = {"color": style.colour(0)}
    return go.Scatter(x=time_s, y=share, mode="lines+markers", marker={"size": 5}, line=line)


def cost_split(result: Result) -> go.Figure:
    """Cost of each pool over the measured time, split into time with and without a step running."""
    import plotly.graph_objects as go

    usd = result.summary.cost.by_pool_usd
    used = result.summary.cost.usage_by_pool_usd
    figure = go.Figure()
    while_working = [used[pool] or 0.0 for pool in usd]
    while_idle = [(cost or 0.0) - (used[pool] or 0.0) for pool, cost in usd.items()]
    figure.add_trace(_bar("while working", list(usd), while_working, style.colour(0), "USD"))
    figure.add_trace(_bar("while idle", list(usd), while_idle, style.PHASES["idle"], "USD"))
    figure.update_xaxes(title_text="cost over the measured time [USD]")
    return _bars(figure, "Cost by pool", rows=len(usd))


def energy_split(result: Result) -> go.Figure:
    """Energy of the devices by what it went into."""
    import plotly.graph_objects as go

    energy = result.summary.energy
    figure = go.Figure()
    for phase, joules in (
        ("prefill", energy.prefill_j),
        ("decode", energy.decode_j),
        ("idle", energy.idle_j),
    ):
        figure.add_trace(_bar(phase, ["energy"], [(joules or 0.0) / 1e3], style.PHASES[phase], "kJ"))
    figure.update_xaxes(title_text="energy of the devices over the measured time [kJ]")
    _bars(figure, "Energy by phase (dynamic) and idle draw", rows=1)
    return figure.update_yaxes(showticklabels=False)


def _line_per_pool(
    series: dict[str, PoolSeries], attribute: str, title: str, unit: str, scale: float = 1.0
) -> go.Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
    for index, (pool, values) in enumerate(series.items()):
        figure.add_trace(
            go.Scatter(
                x=values.time_s,
                y=scale * getattr(values, attribute),
                mode="lines",
                name=pool,
                line={"color": style.colour(index), "width": 1.6},
            )
        )
    figure.update_yaxes(title_text=unit)
    return _over_time(figure, title, legend=len(series) > 1)


def _over_time(figure: go.Figure, title: str, legend: bool) -> go.Figure:
    figure.update_xaxes(title_text="simulated time [s]", rangemode="tozero")
    return style.finish(figure, title, showlegend=legend)


def _bar(name: str, rows: list[str], values: list[float], colour: str, unit: str) -> go.Bar:
    import plotly.graph_objects as go

    return go.Bar(
        x=values,
        y=rows,
        orientation="h",
        name=name,
        marker={"color": colour},
        hovertemplate=f"{name}: %{{x:.4g}} {unit}<extra></extra>",
    )


def _bars(figure: go.Figure, title: str, rows: int) -> go.Figure:
    style.finish(figure, title, height=170 + 40 * rows, barmode="stack", showlegend=True)
    figure.update_layout(legend={"traceorder": "normal"})
    return figure.update_yaxes(showgrid=False)


def _dash(index: int) -> str:
    return ("solid", "dash", "dot", "dashdot")[index % 4]
