"""What kinds of prices stand beside one another where hardware is ranked by cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simulator.hardware.prices import OPEN_TIERS
from simulator.reporting import numbers as show
from simulator.reporting.table import Table
from simulator.results.price_rows import PriceKind, PriceRows

#: What the cost of each kind of hardware rests on, by its name.
Priced = Mapping[str, Sequence[PriceKind]]


def price_table(priced: Priced) -> Table:
    """Of each the tiers, number and years of the rows of its price, and whether somebody looked them up."""
    rows = [
        _row(_called(name, kind, kinds), kind, row)
        for name, kinds in priced.items()
        for kind in kinds
        for row in _rows(kind)
    ]
    header = ("", "price", "rows", "years", "verified")
    note = "the figure is the median of the rows; a row is the offer of one provider"
    return Table("What the prices rest on", header, tuple(rows), note)


def price_note(priced: Priced) -> str:
    """That prices of different kinds are ranked together, and which are other than list prices looked up.

    Empty where all are of one kind.
    """
    known = {name: [one for one in kinds if one.kind != "unknown"] for name, kinds in priced.items()}
    if len({_sort(kind) for kinds in known.values() for kind in kinds}) < 2:
        return ""
    other = [
        f"{name}: {kind.in_words}" for name, kinds in known.items() for kind in kinds if _sort(kind) != _USUAL
    ]
    return f"prices of different kinds are ranked together ({'; '.join(other)})"


#: A median of list prices that anyone can rent at.
_USUAL = ("open", "several", "verified")


def _sort(kind: PriceKind) -> tuple[str, ...]:
    """What two prices must have alike to be of one kind."""
    if kind.kind == "given":
        return (kind.kind,)
    found = []
    for row in kind.rows:
        tiers = "open" if set(row.tiers) <= set(OPEN_TIERS) else ", ".join(sorted(row.tiers))
        found += [
            "to buy" if kind.kind == "purchase" else tiers,
            "one" if row.rows == 1 else "several",
            "unverified" if row.unverified == row.rows else "verified",
        ]
    return tuple(found)


def _called(name: str, kind: PriceKind, kinds: Sequence[PriceKind]) -> str:
    """The name of what is priced; where it is several kinds of device, that of the one."""
    return name if len({one.device for one in kinds}) == 1 else kind.device


def _rows(kind: PriceKind) -> Sequence[PriceRows | None]:
    return kind.rows or (None,)


def _row(name: str, kind: PriceKind, row: PriceRows | None) -> tuple[str, ...]:
    if row is None:
        said = "given in the scenario" if kind.kind == "given" else show.UNKNOWN
        return (name, said, show.NOTHING, show.NOTHING, show.NOTHING)
    what = "to buy" if kind.kind == "purchase" else ", ".join(row.tiers)
    partner = "" if row.device == kind.device else f" ({row.device})"
    checked = {0: "yes", row.rows: "no"}.get(row.unverified, f"{row.rows - row.unverified} of {row.rows}")
    return (name, what + partner, show.count(row.rows), row.years, checked)
