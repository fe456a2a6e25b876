"""Points, predicted and measured, as tables: medians by regime, and the questions that whole files answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

from simulator.calibration.not_simulated import NotSimulated
from simulator.calibration.points.batching import saving_table
from simulator.calibration.points.disaggregation import winner_table
from simulator.calibration.points.point import METRICS, OperatingPoint
from simulator.calibration.points.saturation import capacity_table
from simulator.calibration.points.setup import card_of
from simulator.calibration.points.sources.mlenergy import host_was_busy
from simulator.calibration.points.validation import Compared
from simulator.reporting.table import Table

#: Outputs of long reasoning [tokens].
LONG_REASONING = (5_000, 12_000)


def point_tables(title: str, compared: Sequence[Compared]) -> list[Table]:
    """Medians of some points by regime, why others are missing, and what they say together."""
    tables = [median_table(title, compared), refused_table(title, compared)]
    tables += [winner_table(compared), saving_table(compared), capacity_table(compared)]
    return [table for table in tables if table is not None]


def median_table(title: str, compared: Sequence[Compared]) -> Table | None:
    """Median absolute and median error of every figure, by regime."""
    rows = []
    for regime, members in _regimes(compared):
        for metric in METRICS:
            off = [error for one in members if (error := one.error(metric)) is not None]
            if off:
                size = f"{100 * median(map(abs, off)):.1f} %"
                rows.append((regime, metric, str(len(off)), size, f"{100 * median(off):+.1f} %"))
    header = ("", "figure", "points", "median |error|", "median error")
    return Table(title, header, tuple(rows)) if rows else None


def refused_table(title: str, compared: Sequence[Compared]) -> Table | None:
    """Why points were not simulated, and how many."""
    reasons = Counter(one.reason for one in compared if one.reason is not None)
    rows = tuple((reason, str(count)) for reason, count in reasons.most_common())
    return Table(f"{title}: not simulated", ("reason", "points"), rows) if rows else None


def _regimes(compared: Sequence[Compared]) -> Iterator[tuple[str, Sequence[Compared]]]:
    """Every regime that has points, with these; all points first where there are several."""
    members: dict[str, list[Compared]] = {}
    for one in compared:
        if one.reason is None:
            for regime in regimes_of(one.point):
                members.setdefault(regime, []).append(one)
    if len(members) > 1:
        yield "all", [one for one in compared if one.reason is None]
    yield from members.items()


def regimes_of(point: OperatingPoint) -> list[str]:
    """What kinds of point this is."""
    try:
        sort = "dense" if card_of(point).moe is None else "mixture of experts"
    except NotSimulated:
        sort = "unknown model"
    served = "prefill and decode apart" if point.mode == "disagg" else "aggregated"
    found = [f"{served}, {sort}", f"{served}, {point.engine or 'engine not stated'}"]
    low, high = LONG_REASONING
    if point.extra.get("task") == "gpqa" and low <= (point.output_tokens or 0) <= high:
        found += ["long reasoning", f"long reasoning, host {'busy' if host_was_busy(point) else 'at rest'}"]
    return found
