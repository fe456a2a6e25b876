"""The tables of ``simulator validate --points``: operating points, predicted and measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.reporting.sections import Table


def point_tables(title: str, rows: Sequence[dict[str, Any]]) -> list[Table]:
    """Medians of one file by metric, and why its other points can not be simulated."""
    from simulator.reporting.sections import Table

    errors: dict[str, list[float]] = {}
    for row in rows:
        if "metric" in row and row["measured"]:
            errors.setdefault(row["metric"], []).append(row["predicted"] / row["measured"] - 1)
    figures = tuple(
        (metric, str(len(off)), f"{100 * median(map(abs, off)):.1f} %", f"{100 * median(off):+.1f} %")
        for metric, off in errors.items()
    )
    reasons = Counter(row["reason"] for row in rows if "reason" in row)
    refused = tuple((reason, str(count)) for reason, count in reasons.most_common())
    header = ("", "points", "median |error|", "median error")
    tables = [Table(title, header, figures)] if figures else []
    return tables + ([Table(f"{title}: not simulated", ("reason", "points"), refused)] if refused else [])
