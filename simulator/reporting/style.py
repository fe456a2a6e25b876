"""One look for all figures: colours that also differ in brightness, units on every axis, little else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import plotly.graph_objects as go

#: One colour per result or pool (Okabe and Ito's palette, told apart by colour-blind readers).
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7f7f7f")
MEASURED = "#1b1f24"
OBJECTIVE = "#b3261e"
#: Phases of a request; the same colour wherever a phase is shown.
PHASES = {"prefill": "#d55e00", "decode": "#0072b2", "idle": "#b8c0c8"}
#: What bounds a step.
BOUND_COLOURS = {
    "compute": "#d55e00",
    "memory": "#0072b2",
    "network": "#009e73",
    "host": "#cc79a7",
    "pipeline": "#e69f00",
    "overhead": "#b8c0c8",
}
GRID = "#e6e8eb"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def colour(index: int) -> str:
    """Colour of the i-th result or pool."""
    return SERIES[index % len(SERIES)]


def translucent(hex_colour: str, opacity: float) -> str:
    """An #rrggbb colour with an opacity, for areas."""
    red, green, blue = (int(hex_colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def finish(figure: go.Figure, title: str, height: int = 340, **layout: Any) -> go.Figure:
    """Gives a figure its title, fonts, margins and grid."""
    figure.update_layout(
        # Named explicitly, so that a user's default template does not change the report.
        template="none",
        title={"text": title, "x": 0, "xref": "paper", "font": {"size": 16}},
        font={"family": FONT, "size": 13, "color": "#1b1f24"},
        margin={"l": 70, "r": 20, "t": 64, "b": 56},
        height=height,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 1, "xanchor": "right"},
        hoverlabel={"font": {"family": FONT}},
        **layout,
    )
    # Axis titles keep their distance from the ticks whatever the width of the labels.
    figure.update_xaxes(gridcolor=GRID, zeroline=False, linecolor="#8a9099", automargin=True)
    figure.update_yaxes(gridcolor=GRID, zeroline=False, rangemode="tozero", automargin=True)
    return figure
