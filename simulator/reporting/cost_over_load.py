"""Cost of a million tokens over load, one line per hardware, with the loads at which the cheapest changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.reporting import style

if TYPE_CHECKING:
    import plotly.graph_objects as go

#: Dashes of lines, so that more lines than colours stay apart.
_DASHES = ("solid", "dash", "dot")


@dataclass(frozen=True, slots=True)
class CostLine:
    """Cost of one hardware [USD per million output tokens] at each load."""

    name: str
    usd: Sequence[float]


@dataclass(frozen=True, slots=True)
class Change:
    """At ``rate`` [1/s] ``after`` becomes the cheapest."""

    rate: float
    after: str


def cost_over_load(
    rates: Sequence[float], lines: Sequence[CostLine], changes: Sequence[Change], own_rate: float
) -> go.Figure:
    """The figure.

    Parameters
    ----------
    rates
        Loads [requests/s].
    own_rate
        Load of the scenario, marked [requests/s].
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for index, line in enumerate(lines):
        figure.add_trace(
            go.Scatter(
                x=list(rates),
                y=list(line.usd),
                name=line.name,
                mode="lines",
                line={
                    "color": style.colour(index),
                    "width": 2,
                    "dash": _DASHES[index // len(style.SERIES) % len(_DASHES)],
                },
                hovertemplate="%{fullData.name}<br>%{x:.3g} requests/s: $%{y:.3g} per million<extra></extra>",
            )
        )
    figure.add_vline(x=own_rate, line={"color": style.MEASURED, "width": 1, "dash": "dash"})
    figure.add_annotation(
        x=_log10(own_rate),
        y=0,
        yref="paper",
        text="this load",
        showarrow=False,
        yanchor="bottom",
        xanchor="left",
    )
    for change in changes:
        figure.add_vline(x=change.rate, line={"color": style.OBJECTIVE, "width": 1, "dash": "dot"})
        figure.add_annotation(
            x=_log10(change.rate),
            y=1,
            yref="paper",
            text=f"from {change.rate:.3g}/s: {change.after}",
            textangle=-90,
            showarrow=False,
            yanchor="top",
            xanchor="right",
            font={"size": 11, "color": style.OBJECTIVE},
        )
    style.finish(figure, "Cost over load: the cheapest hardware changes at the dotted lines", height=480)
    figure.update_layout(legend={"orientation": "v", "y": 1, "yanchor": "top", "x": 1.01, "xanchor": "left"})
    figure.update_xaxes(type="log", title_text="load [requests/s]")
    return figure.update_yaxes(type="log", rangemode="normal", title_text="USD per million output tokens")


def _log10(value: float) -> float:
    from math import log10

    return log10(value)
