"""A sizing answer as tables of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import inf

from simulator.hardware.catalogue import load_device
from simulator.planning.price_tables import Priced, price_note, price_table
from simulator.planning.size.answer import Candidate, SizeAnswer, might_win
from simulator.planning.size.neighbour import Neighbour
from simulator.planning.size.trial import ObjectiveTrial
from simulator.planning.size.uncertainty import Spread
from simulator.planning.size.verdict import ObjectiveVerdict, Verdict, verdict_of
from simulator.reporting import numbers as show
from simulator.reporting.table import Table
from simulator.scenario.size import Minimise


def headline(answer: SizeAnswer) -> str:
    """The answer in one sentence."""
    best = answer.best
    if best is None:
        return "Nothing that was tried meets the objectives."
    cost = best.usd_per_hour
    price = "price unknown" if cost is None else f"{show.dollars(cost.mid)} per hour"
    spare = f", {best.spare} of them spare" if best.spare else ""
    doubt = "" if best.undecided is None else f" ({best.undecided})"
    others = [one.hardware for one in answer.candidates if one.unweighed(answer.rules)]
    if answer.rules.minimise == "cost" and others and cost is not None:
        price += f", the cheapest of those with a price ({', '.join(others)} without)"
    rivals = [rival.sentence for rival in might_win(answer.candidates, answer.rules.minimise)]
    rivalry = f". Not settled: {'; '.join(rivals)}" if rivals else ""
    return (
        f"{show.counted(best.units, 'unit')} of {best.hardware}"
        f" ({best.found.family.label if best.found else ''}){spare}:"
        f" {show.counted(best.devices, 'device')}{_of_each(best)}, {price}{doubt}{rivalry}"
    )


def _of_each(best: Candidate) -> str:
    """How many of each device there are, where there are several kinds."""
    numbers: Counter[str] = Counter()
    for pool in best.scenario.cluster.pools:
        for hardware, count in ((pool.hardware, pool.parallelism.devices), *pool.beside):
            numbers[load_device(hardware).id] += pool.replicas * count
    if len(numbers) < 2:
        return ""
    return f" ({', '.join(f'{number:,} {device}' for device, number in numbers.items())})"


def tables_of(answer: SizeAnswer) -> list[Table]:
    """The proof for the chosen design, then all candidates."""
    tables = []
    if answer.best is not None:
        tables.append(proof_table(answer.best))
    if len(answer.candidates) > 1 or answer.best is None:
        tables += candidate_tables(answer)
    elif answer.best.others:
        rows = tuple(tuple(other.split(": ", 1)) for other in answer.best.others)
        tables.append(Table("Other layouts, settings and splits", ("", "came to"), rows))
    priced = _priced(answer)
    return [*tables, price_table(priced)] if priced else tables


def _priced(answer: SizeAnswer) -> Priced:
    return {one.hardware: one.prices for one in answer.candidates if one.found is not None and one.prices}


def proof_table(best: Candidate) -> Table:
    """Every objective with that many units, one fewer, and in the verification."""
    found = best.found
    assert found is not None
    check = verdict_of([found.verification])
    fewer = None if found.fewer is None else {one.name: one for one in found.fewer.objectives}
    verified = {one.name: one for one in found.verification.objectives}
    rows: list[tuple[str, ...]] = []
    for one in found.verdict.objectives:
        neighbour = show.NOTHING if fewer is None else _judged(fewer[one.name])
        rows.append(
            (one.name, show.percent(one.target), _judged(one), neighbour, _verified(verified[one.name]))
        )
    rows.append(("queue grows", "no", *(_grows(one) for one in (found.verdict, found.fewer, check))))
    header = (
        "requests within",
        "asked for",
        show.counted(found.units, "unit"),
        show.counted(found.units - 1, "unit"),
        f"verification (seed {found.verification.seed})",
    )
    note = f"share and 95 % interval; {found.verdict.requests:,} requests per design"
    if best.spare:
        note += f", without the {show.counted(best.spare, 'unit')} to spare"
    if found.neighbour is not None and found.neighbour.sentence is not None:
        note = f"{found.neighbour.sentence}. The table: {note}"
    return Table("Proof", header, tuple(rows), note)


def candidate_tables(answer: SizeAnswer) -> list[Table]:
    """Every hardware's best design, and why some has none."""
    rows, refused = [], []
    for one in answer.candidates:
        if one.found is None:
            refused.append((one.hardware, one.reason or ""))
            continue
        cost = one.usd_per_hour
        rows.append(
            (
                one.hardware,
                show.count(one.units),
                show.count(one.devices),
                show.UNKNOWN if cost is None else show.dollars(cost.mid),
                show.site_draw(one.drawn_w, one.limit_w, one.missing),
                missed(one.found.neighbour),
                one.found.family.label,
            )
        )
    tables = []
    if rows:
        header = ("", "units", "devices", "USD/h", "draw of the site", "one fewer", "layout of a unit")
        notes = [
            "all verified under a fresh seed",
            *_left_behind(answer),
            *in_doubt([one for one in answer.candidates if one is not answer.best], answer.rules.minimise),
            price_note(_priced(answer)),
            "draw of spares at rest; where they share the load it is higher" if answer.rules.spare else "",
            host_note([one for one in answer.candidates if one.found is not None]),
        ]
        note = "; ".join(filter(None, notes))
        tables.append(Table("Fewest units of each", header, tuple(rows), note))
    if refused:
        tables.append(Table("Not at this service level", ("", "why"), tuple(refused)))
    return tables


def _left_behind(answer: SizeAnswer) -> list[str]:
    """Which designs were not weighed by what was to be least, for it is unknown of them."""
    left = [one.hardware for one in answer.candidates if one.unweighed(answer.rules)]
    if not left:
        return []
    what, order = {
        "cost": (f"no price{_in_tier(answer)}", "number of their devices"),
        "power": ("no draw", "limit of their chips"),
    }[answer.rules.minimise]
    return [f"{what} is known of {', '.join(left)}: behind all others, in the order of the {order}"]


def in_doubt(candidates: Sequence[Candidate], minimise: Minimise) -> list[str]:
    """Of which designs the trials leave open whether fewer units would do, and what those would come to."""
    return [
        f"{one.hardware}: {one.undecided}{_fewer_would(one, minimise)}" for one in candidates if one.undecided
    ]


def _fewer_would(one: Candidate, minimise: Minimise) -> str:
    amount = one.weight(minimise, one.fewest)[0]
    if one.fewest == one.units or amount == inf:
        return ""
    come_to = {
        "cost": f"{show.dollars(amount)} per hour",
        "devices": f"{amount:.0f} devices",
        "power": show.watts(amount),
    }[minimise]
    return f" ({one.fewest} would come to {come_to})"


def host_note(candidates: Sequence[Candidate]) -> str:
    """Whose hosts are not in the draw; empty where all are in it, or no draw is known."""
    left = dict.fromkeys(name for one in candidates for name in one.missing.devices)
    if not left:
        return ""
    return (
        f"the draw of the hosts of {', '.join(left)} is not known: what leaves them out is not to be held"
        " against a draw with all hosts; give theirs beside the hardware, e.g. power: {host: 600 W}"
    )


def _in_tier(answer: SizeAnswer) -> str:
    prices = answer.scenario.prices
    return "" if prices.tier is None or prices.own is not None else f" in prices.tier {prices.tier!r}"


def spread_table(spreads: Sequence[Spread]) -> Table:
    """How sure the number of units, the cost and the choice are."""
    rows = tuple(
        (
            one.sentence(),
            show.dollars(one.usd_mid),
            f"{show.dollars(one.usd_low)} to {show.dollars(one.usd_high)}",
            show.percent(one.wins),
        )
        for one in spreads
    )
    unpriced = ", ".join(one.hardware for one in spreads if one.usd_mid is None)
    of = f"; cheapest of those with a price, none is known of {unpriced}" if unpriced else ""
    note = f"middle 90 % of the draws of step times, rate and prices{of}"
    return Table("How sure", ("units", "USD/h", "range", "cheapest"), rows, note)


def missed(neighbour: Neighbour | None) -> str:
    """By how much one unit fewer fails."""
    if neighbour is None:
        return show.NOTHING
    _, by = neighbour.misses
    missed = "queue grows" if by is None else f"−{show.percent(by)}"
    return missed if neighbour.refutation is None else f"{missed} (fresh seed)"


def _judged(one: ObjectiveVerdict) -> str:
    mark = "" if one.met else "  missed"
    return f"{show.percent(one.share)} [{show.percent(one.low)}, {show.percent(one.high)}]{mark}"


def _verified(one: ObjectiveTrial) -> str:
    return show.percent(one.share)


def _grows(verdict: Verdict | None) -> str:
    if verdict is None:
        return show.NOTHING
    return "yes" if verdict.overloaded else "no"
