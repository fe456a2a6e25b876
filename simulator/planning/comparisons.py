"""Comparisons of designs, ready to print or draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from simulator.planning.compare_hardware import Contender
from simulator.planning.crossover import crossovers, curves_of, loads
from simulator.planning.paired import PairedDifference, paired_differences
from simulator.planning.price_tables import Priced, price_note, price_table
from simulator.planning.size.answer import might_win
from simulator.planning.size.tables import host_note, in_doubt, missed
from simulator.reporting import numbers as show
from simulator.reporting.comparison import Comparison
from simulator.reporting.cost_over_load import Change, CostLine, cost_over_load
from simulator.reporting.table import Table
from simulator.results.price_rows import price_kinds
from simulator.results.result import Result


def compare_results(results: Sequence[Result], title: str = "Side by side") -> Comparison:
    """Results beside one another, with paired differences to the first where the traffic is the same."""
    comparison = Comparison(title, results)
    table = paired_table(results, comparison.names())
    return Comparison(title, results, tables=() if table is None else (table,))


def compare_contenders(contenders: Sequence[Contender], rate: float | None, title: str) -> Comparison:
    """Hardware at equal service level, with costs over load and why some hardware is missing.

    A scenario without a ``rate`` [1/s] has no costs over load.
    """
    served = [one for one in contenders if one.result is not None]
    results = [one.result for one in served if one.result is not None]
    names = [one.name for one in served]
    tables = []
    if served:
        tables = [
            service_table(served),
            layout_table(served),
            *_objectives(served),
            price_table(_priced(served)),
        ]
    differences = paired_table(results, names)
    if differences is not None:
        tables.append(differences)
    refused = [one for one in contenders if one.result is None]
    if refused:
        rows = tuple((one.name, one.candidate.reason or "") for one in refused)
        tables.append(Table("Not at this service level", ("", "why"), rows))
    figures = {}
    if rate is not None and (curves := curves_of(served, rate)):
        rates = loads(rate)
        changes = crossovers(curves, rates)
        lines = [CostLine(c.name, [c.per_million_output_tokens(r) for r in rates]) for c in curves]
        figures["cost_over_load"] = cost_over_load(
            rates, lines, [Change(change.rate, change.after) for change in changes], rate
        )
        points = tuple((f"{change.rate:.3g} requests/s", change.before, change.after) for change in changes)
        if points:
            header = ("from", "before", "after")
            note = "; ".join(filter(None, (_SKETCH, _unpriced(served), _unheld(served))))
            tables.append(Table("Where the cheapest hardware changes", header, points, note))
    return Comparison(title, results, labels=names, tables=tables, figures=figures)


#: What the crossovers rest on.
_SKETCH = "from what one unit holds and what the scenario's own load takes; other loads are not simulated"


def _priced(contenders: Sequence[Contender]) -> Priced:
    return {one.name: price_kinds(one.result.context) for one in contenders if one.result is not None}


#: What a planner weighs: heading, key of ``Summary.to_dict``, how to write the value.
_WEIGHED: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("chips", "devices", show.count),
    ("servers or racks", "systems", show.count),
    ("cost per hour", "cost_per_hour_usd", show.dollars),
    ("tokens/s of a user", "tokens_per_s_user", show.number),
    ("p99 TTFT", "p99_ttft_ms", show.milliseconds),
    ("per million output tokens", "cost_per_million_output_tokens_usd", show.dollars),
    ("energy per output token", "energy_per_output_token_j", show.energy),
    ("CO2e per 1,000 requests", "carbon_per_1000_requests_g", show.grams),
)


def service_table(contenders: Sequence[Contender]) -> Table:
    """One row per hardware: what meeting the objectives takes."""
    found = [one.result.summary.to_dict() for one in contenders if one.result is not None]
    texts = [(key, show.alike(text, [figures[key] for figures in found])) for _, key, text in _WEIGHED]
    rows = []
    for one, figures in zip(contenders, found, strict=True):
        draw = show.site_draw(figures["facility_power_w"], figures["power_limit_w"], one.candidate.missing)
        rows.append((one.name, *(text(figures[key]) for key, text in texts), draw))
    header = ("", *(heading for heading, _, _ in _WEIGHED), "draw of the site")
    candidates = [one.candidate for one in contenders]
    rivals = [f"not settled: {rival.sentence}" for rival in might_win(candidates, "cost")]
    shared = "spares share the load" if any(one.spare for one in candidates) else ""
    notes = [_unpriced(contenders), price_note(_priced(contenders)), shared, host_note(candidates), *rivals]
    return Table("At equal service level", header, tuple(rows), "; ".join(filter(None, notes)))


def _unpriced(contenders: Sequence[Contender]) -> str:
    """Which hardware no ranking by cost has, for its price is unknown."""
    found = [one for one in contenders if one.result is not None and one.result.summary.cost.per_hour is None]
    names = ", ".join(one.name for one in found)
    return f"no price is known of {names}: left out of every ranking by cost" if names else ""


def _unheld(contenders: Sequence[Contender]) -> str:
    """Which hardware has no costs at other loads, for no rate was found that one unit of it alone holds."""
    names = ", ".join(one.name for one in contenders if one.rate_per_unit is None)
    return f"no rate was found that one unit of {names} alone holds: left out here" if names else ""


def layout_table(contenders: Sequence[Contender]) -> Table:
    """How each hardware carries the load: the design that sizing finds for it."""
    rows = []
    for one in contenders:
        candidate, found = one.candidate, one.candidate.found
        assert found is not None and one.result is not None
        spare = f" + {candidate.spare} spare" if candidate.spare else ""
        units = f"{found.units}{spare} × {found.family.devices} chips"
        held = show.number(one.rate_per_unit, "/s", show.UNKNOWN)
        rests = "estimates" if one.result.context.rests_on_estimates else "measurements"
        rows.append((one.name, units, found.family.label, missed(found.neighbour), held, rests))
    header = ("", "units", "layout of a unit", "one fewer", "one unit alone holds", "rests on")
    notes = ["as simulator size finds them", *in_doubt([one.candidate for one in contenders], "cost")]
    return Table("Fewest chips that meet the objectives", header, tuple(rows), "; ".join(notes))


def _objectives(contenders: Sequence[Contender]) -> list[Table]:
    """What each hardware reaches of every tenant's own objectives; none where there are no tenants."""
    if not any(one.result is not None and one.result.context.tenants for one in contenders):
        return []
    verdicts = [one.candidate.found.verdict for one in contenders if one.candidate.found is not None]
    rows = tuple(
        (columns[0].name, show.percent(columns[0].target), *(show.percent(one.share) for one in columns))
        for columns in zip(*(verdict.objectives for verdict in verdicts), strict=True)
    )
    header = ("requests within", "asked for", *(one.name for one in contenders))
    return [Table("Each tenant's own objectives", header, rows, "without spares, over all seeds")]


def paired_table(results: Sequence[Result], names: Sequence[str]) -> Table | None:
    """Mean differences to the first result per request, with 95 % intervals."""
    rows: list[tuple[str, ...]] = []
    for name, result in list(zip(names, results, strict=True))[1:]:
        differences = paired_differences(results[0], result)
        if differences is None:
            rows.append((name, "other traffic: not comparable request by request", "", ""))
        else:
            by_name = {difference.metric: _interval(difference) for difference in differences}
            rows.append((name, *(by_name.get(metric, show.NOTHING) for metric in ("TTFT", "TPOT", "E2E"))))
    if not rows:
        return None
    note = "mean over the same requests, 95 % interval from batch means"
    return Table(f"Difference to {names[0]}", ("", "TTFT", "TPOT", "E2E"), tuple(rows), note)


def _interval(difference: PairedDifference) -> str:
    mean = _signed(difference.mean)
    if difference.low is None or difference.high is None:
        return f"{mean} (too few requests for an interval)"
    return f"{mean} [{_signed(difference.low)}, {_signed(difference.high)}]"


def _signed(ms: float) -> str:
    return ("+" if ms >= 0 else "−") + show.milliseconds(abs(ms))
