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
    note = f"{show.number(found.factor)} times the scenario's own arrivals, all of them alike; "
    if found.too_much is not None:
        header.append(show.number(found.too_much[0], "/s"))
        verdicts.append(found.too_much[1])
        note += f"first to give way: {found.limited_by}"
    else:
        note += "no rate was too much: even requests that all arrive within a second meet the objectives"
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
    """What a budget buys of every kind of cluster: the objectives, or of tenants the load within theirs."""
    if any(one.attainment is None for one in bought):
        return _load_table(bought)
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
    note = f"{_spares(bought)}met together by {share} of the requests, the worse of two seeds"
    return Table("What the budget buys", ("", "units", "USD/h", "TTFT", "TPOT", "E2E"), rows, note)


def _load_table(bought: Sequence[Bought]) -> Table:
    """How much of their load all tenants may bring, and whose objectives stand in the way of more."""
    rows = tuple(
        (
            f"{one.hardware} {one.label}".strip(),
            show.count(one.units_with_spare),
            show.dollars(one.usd_per_hour),
            show.number(one.load_factor),
            show.number(one.rate_per_s, "/s"),
            (one.limited_by or show.NOTHING) if one.reason is None else one.reason,
        )
        for one in bought
    )
    note = (
        f"{_spares(bought)}the largest factor, one for all tenants' arrivals, at which each of them holds its"
        " own objectives, verified under a fresh seed; below 1 not even the scenario's own load is held"
    )
    header = ("", "units", "USD/h", "times the load", "requests of all", "first to give way")
    return Table("What the budget buys", header, rows, note)


def _spares(bought: Sequence[Bought]) -> str:
    spare = max((one.spare for one in bought), default=0)
    return f"{spare} of the units spare, paid for and not counted on; " if spare else ""
