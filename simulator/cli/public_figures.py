"""The table of ``simulator validate --facts``: public figures of other hardware, predicted and measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from simulator.calibration.public_measurements import PublicRow


def print_public_figures(rows: Sequence[PublicRow], console: Console) -> None:
    """Every row by family, medians per family, and why the other rows can not be simulated."""
    width = None if console.is_terminal else 200
    console.print(_figures(rows), width=width, crop=False)
    console.print()
    console.print(_families(rows), width=width, crop=False)
    missing = Counter(row.reason for row in rows if row.use == "not simulated")
    if missing:
        console.print(f"\nNot simulated: {missing.total()} rows")
        for reason, count in missing.most_common():
            console.print(f"  {count:4d}  {reason}", markup=False, highlight=False)


def _table(*headings: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, heading in enumerate(headings):
        table.add_column(heading, no_wrap=index == 0)
    return table


def _figures(rows: Sequence[PublicRow]) -> Table:
    table = _table("row", "metric", "measured", "predicted", "error", "use", "assumed")
    family = ""
    for row in sorted((row for row in rows if row.metric is not None), key=lambda row: row.family):
        if row.family != family:
            family = row.family
            table.add_row(f"[bold]{family}[/bold]")
        error = "" if row.error is None else f"{row.error:+.1%}"
        unit = " ms" if row.metric in ("TPOT", "TTFT") else ""
        table.add_row(
            f"  {row.id}",
            row.metric,
            f"{row.measured:,.2f}{unit}",
            f"{row.predicted:,.2f}{unit}",
            error,
            row.use,
            row.reason,
        )
    return table


def _families(rows: Sequence[PublicRow]) -> Table:
    from simulator.calibration.public_measurements import summarise_families

    table = _table("family", "metric", "predicted rows", "median error", "fitted rows", "their median error")
    for family in summarise_families(rows):
        table.add_row(
            family.family,
            family.metric,
            str(family.predicted),
            _percent(family.median_error),
            str(family.fitted),
            _percent(family.median_error_fitted),
        )
    return table


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
