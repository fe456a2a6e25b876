"""Answers to the inverse questions as tables of text."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.planning.size.highest_rate import HighestRate
from simulator.planning.size.verdict import verdict_of
from simulator.planning.size.within_budget import Bought
from simulator.reporting import numbers as show
from simulator.reporting.table import Table


def rate_table(found: HighestRate) -> Table:
    """The highest rate, the lowest that is too much, and every objective at both."""
    if found.rate is None or found.verdict is None or found.verification is None:
        return Table("Highest rate", ("", "why"), (("none", found.reason or ""),))
    verdicts = [found.verdict, verdict_of([found.verification])]
    header = ["within", show.number(found.rate, "/s"), "verified"]
    note = "no rate was too much: even requests that all arrive within a second meet the objectives"
    if found.too_much is not None:
        header.append(show.number(found.too_much[0], "/s"))
        verdicts.append(found.too_much[1])
        note = ""
    rows = [
        (
            f"{columns[0].name} (asked for: {show.percent(columns[0].target)})",
            *(show.percent(one.share) for one in columns),
        )
        for columns in zip(*(one.objectives for one in verdicts), strict=True)
    ]
    rows.append(("queue grows", *("yes" if one.overloaded else "no" for one in verdicts)))
    return Table("Highest rate within the objectives", tuple(header), tuple(rows), note)


def bought_table(bought: Sequence[Bought]) -> Table:
    """What a budget buys of every kind of cluster."""
    rows = tuple(
        (
            f"{one.hardware} {one.label}".strip(),
            show.count(one.units_with_spare),
            show.dollars(one.usd_per_hour),
            show.milliseconds(one.ttft_ms),
            show.milliseconds(one.tpot_ms),
            show.milliseconds(one.e2e_ms) if one.reason is None else one.reason,
        )
        for one in bought
    )
    share = show.percent(bought[0].attainment) if bought else ""
    spare = max((one.spare for one in bought), default=0)
    counted = f"{spare} of the units spare, paid for and not counted on; " if spare else ""
    note = f"{counted}met together by {share} of the requests, the worse of two seeds"
    return Table("What the budget buys", ("", "units", "USD/h", "TTFT", "TPOT", "E2E"), rows, note)
