"""Sensitivities as tables of text."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.planning.sensitivity.sobol import SobolIndex
from simulator.planning.sensitivity.tornado import Swing
from simulator.reporting import numbers as show
from simulator.reporting.table import Table


def tornado_table(swings: Sequence[Swing], figure: str) -> Table:
    """One row per input, the widest swing first, with a bar."""
    widest = max((swing.width for swing in swings), default=0.0) or 1.0
    rows = tuple(
        (
            swing.key,
            f"{swing.low} → {swing.high}",
            show.number(swing.at_low),
            show.number(swing.at_high),
            "█" * max(round(12 * swing.width / widest), 0),
        )
        for swing in swings
    )
    middle = show.number(swings[0].middle) if swings else show.NOTHING
    return Table(
        f"Tornado of {figure}", ("", "range", "at low", "at high", "swing"), rows, f"middle: {middle}"
    )


def sobol_table(indices: Sequence[SobolIndex], figure: str) -> Table:
    """One row per input, the largest share first."""
    rows = tuple(
        (
            one.key,
            f"{one.alone:.2f} ± {one.alone_half_width:.2f}",
            f"{one.total:.2f} ± {one.total_half_width:.2f}",
        )
        for one in indices
    )
    return Table(
        f"What decides {figure}", ("", "alone", "with others"), rows, "shares of its variance (Sobol)"
    )
