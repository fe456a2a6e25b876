"""Predicted against measured: a point on the diagonal is a prediction that came true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.reporting import style

if TYPE_CHECKING:
    import plotly.graph_objects as go

#: Relative error that the band around the diagonal shows [1].
BAND = 0.1


@dataclass(frozen=True, slots=True)
class Pair:
    """One figure, predicted and measured in the same unit, of ``name``; ``series`` gives its colour."""

    predicted: float
    measured: float
    name: str
    series: str


def predicted_against_measured(pairs: Sequence[Pair], title: str, unit: str) -> go.Figure:
    """Both on logarithmic axes, with the diagonal and a band of 10 % around it."""
    import plotly.graph_objects as go

    shown = [pair for pair in pairs if pair.predicted > 0 and pair.measured > 0]
    figure = go.Figure()
    if shown:
        ends = [f(pair.measured for pair in shown) for f in (min, max)]
        for factor, dash in ((1 - BAND, "dot"), (1.0, "solid"), (1 + BAND, "dot")):
            line = {"color": style.MEASURED, "width": 1, "dash": dash}
            y = [factor * end for end in ends]
            figure.add_scatter(x=ends, y=y, mode="lines", line=line, hoverinfo="skip", showlegend=False)
    for index, series in enumerate(dict.fromkeys(pair.series for pair in shown)):
        members = [pair for pair in shown if pair.series == series]
        figure.add_scatter(
            x=[pair.measured for pair in members],
            y=[pair.predicted for pair in members],
            text=[f"{pair.name}: {pair.predicted / pair.measured - 1:+.1%}" for pair in members],
            mode="markers",
            name=series,
            marker={"color": style.colour(index), "size": 8},
            hovertemplate="%{text}<br>measured %{x:.4g}, predicted %{y:.4g}<extra></extra>",
        )
    figure = style.finish(figure, title, height=420)
    figure.update_xaxes(title=f"measured [{unit}]", type="log")
    figure.update_yaxes(title=f"predicted [{unit}]", type="log")
    return figure
