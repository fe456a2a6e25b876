"""Answers to the inverse questions as tables of text."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.planning.size.highest_rate import HighestRate
from simulator.planning.size.within_budget import Bought
from simulator.reporting import numbers as show
from simulator.reporting.table import Table


def rate_table(found: HighestRate) -> Table:
    """The highest rate, the lowest that is too much, and every objective at both."""
    if found.rate is None or found.verdict is None or found.verification is None or found.too_much is None:
        return Table("Highest rate", ("", "why"), (("none", found.reason or ""),))
    above, too_much = found.too_much
    shares = tuple(
        (
            f"{one.name} (asked for: {show.percent(one.target)})",
            show.percent(one.share),
            show.percent(check.share),
            show.percent(other.share),
        )
        for one, check, other in zip(
            found.verdict.objectives, found.verification.objectives, too_much.objectives, strict=True
        )
    )
    grows = [found.verdict.overloaded, found.verification.overloaded, too_much.overloaded]
    rows = (*shares, ("queue grows", *("yes" if one else "no" for one in grows)))
    header = ("within", f"{show.number(found.rate, '/s')}", "verified", f"{show.number(above, '/s')}")
    return Table("Highest rate within the objectives", header, rows)


def bought_table(bought: Sequence[Bought]) -> Table:
    """What a budget buys of every kind of cluster."""
    rows = tuple(
        (
            f"{one.hardware} {one.label}".strip(),
            show.count(one.units),
            show.dollars(one.usd_per_hour),
            show.milliseconds(one.ttft_ms),
            show.milliseconds(one.tpot_ms),
            show.milliseconds(one.e2e_ms) if one.reason is None else one.reason,
        )
        for one in bought
    )
    share = show.percent(bought[0].attainment) if bought else ""
    note = f"met together by {share} of the requests, the worse of two seeds"
    return Table("What the budget buys", ("", "units", "USD/h", "TTFT", "TPOT", "E2E"), rows, note)
