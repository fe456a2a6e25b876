"""Tasks of test-time compute as a figure: when they were answered, and what was thought for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.reporting import style
from simulator.results.recording import TaskColumns

if TYPE_CHECKING:
    import plotly.graph_objects as go

#: Tasks drawn at most; more make the report heavy and the figure no clearer.
MOST_POINTS = 3000


def tasks_figure(tasks: TaskColumns) -> go.Figure:
    """One point per answered task: latency over the tokens that its calls wrote, by what became of it."""
    import plotly.graph_objects as go

    shown = np.flatnonzero(tasks.answered == 1)
    shown = shown[:: max(len(shown) // MOST_POINTS, 1)]
    latency = (tasks.finish_ns[shown] - tasks.arrival_ns[shown]) / 1e9
    tokens, right = tasks.output_tokens[shown], tasks.right[shown]
    figure = go.Figure()
    for index, (verdict, name) in enumerate(((1, "right"), (0, "wrong"), (-1, "answered"))):
        own = right == verdict
        if own.any():
            figure.add_trace(
                go.Scatter(
                    x=tokens[own].tolist(),
                    y=latency[own].tolist(),
                    name=name,
                    mode="markers",
                    marker={"color": style.colour(index), "size": 5, "opacity": 0.6},
                    hovertemplate="%{x:,} tokens, %{y:.3g} s<extra></extra>",
                )
            )
    figure.update_xaxes(title="output tokens of all calls of a task", type="log")
    figure.update_yaxes(title="task latency [s]")
    return style.finish(figure, "Tasks")
