"""Accuracy over what it costs: one point per design, the front as a line, the chosen design marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.reporting import style

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, slots=True)
class Point:
    """One design: what it spends, the share it gets right, and the group whose colour it has."""

    spent: float
    accuracy: float
    name: str
    group: str


def frontier_figure(
    points: Sequence[Point],
    front: Sequence[Point],
    chosen: Point | None,
    target: float | None,
    axis: str,
) -> go.Figure:
    """Accuracy over one quantity on a logarithmic axis; ``axis`` names it with its unit."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for index, group in enumerate(dict.fromkeys(point.group for point in points)):
        own = [point for point in points if point.group == group]
        figure.add_trace(
            go.Scatter(
                x=[point.spent for point in own],
                y=[100.0 * point.accuracy for point in own],
                text=[point.name for point in own],
                name=group,
                mode="markers",
                marker={"color": style.colour(index), "size": 9},
                hovertemplate="%{text}<br>%{x:.3g}, %{y:.1f} %<extra></extra>",
            )
        )
    figure.add_trace(
        go.Scatter(
            x=[point.spent for point in front],
            y=[100.0 * point.accuracy for point in front],
            name="front",
            mode="lines",
            line={"color": style.MEASURED, "width": 1.5, "shape": "hv"},
            hoverinfo="skip",
        )
    )
    if chosen is not None:
        figure.add_trace(
            go.Scatter(
                x=[chosen.spent],
                y=[100.0 * chosen.accuracy],
                name="chosen",
                mode="markers",
                marker={"symbol": "circle-open", "size": 18, "color": style.OBJECTIVE, "line": {"width": 2}},
                hoverinfo="skip",
            )
        )
    if target is not None:
        figure.add_hline(y=100.0 * target, line={"color": style.OBJECTIVE, "dash": "dot"})
    figure.update_xaxes(title=axis, type="log")
    figure.update_yaxes(title="answered right [%]")
    return style.finish(figure, f"Accuracy over {axis.split(' [')[0]}", height=420)
