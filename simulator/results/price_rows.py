"""What kind of price a cost rests on: how many rows of the lists, of which tiers and years, looked up or not.

Devices are ranked at what is known of them, which differs: a median of a dozen list prices stands beside a
single row that somebody remembers. So the kind goes where the figure goes.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from simulator.results.context import PoolContext, RunContext


@dataclass(frozen=True, slots=True)
class PriceRows:
    """Rows of the price lists that one price is the median of.

    Attributes
    ----------
    device
        Name of the device.
    rows, unverified
        How many, and of them those that nobody has looked up.
    date
        Their date, or span of dates.
    tiers
        Kinds of rent; none where the device is bought.
    """

    device: str
    rows: int
    date: str
    unverified: int = 0
    tiers: tuple[str, ...] = ()

    @property
    def years(self) -> str:
        """Year of the rows, or first and last."""
        found = re.findall(r"\b\d{4}\b", self.date)
        return "–".join(dict.fromkeys((min(found), max(found)))) if found else self.date

    @property
    def in_words(self) -> str:
        """``median of 11 rows, on-demand, neo-cloud, 2025–2026``."""
        number = "1 row" if self.rows == 1 else f"median of {self.rows} rows"
        unchecked = {0: "", self.rows: "unverified"}.get(self.unverified, f"{self.unverified} unverified")
        return ", ".join(filter(None, (number, *self.tiers, self.years, unchecked)))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> PriceRows:
        """The inverse of ``asdict``."""
        return cls(**{**data, "tiers": tuple(data["tiers"])})


@dataclass(frozen=True, slots=True)
class PriceKind:
    """What the cost of a pool is reckoned from.

    Attributes
    ----------
    kind
        ``given`` in the scenario, ``rent`` or ``purchase`` from the shipped lists, or ``unknown``.
    rows
        What it rests on, one for each kind of device; none where it is given or unknown.
    """

    device: str
    kind: Literal["given", "rent", "purchase", "unknown"]
    rows: tuple[PriceRows, ...] = ()

    @property
    def in_words(self) -> str:
        """For a table: ``1 row, capacity-block, 2025, unverified``."""
        if not self.rows:
            return "given in the scenario" if self.kind == "given" else "unknown"
        first, *beside = self.rows
        bought = "to buy: " if self.kind == "purchase" else ""
        return "; ".join((bought + first.in_words, *(f"{row.device}: {row.in_words}" for row in beside)))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "in_words": self.in_words}


def price_kinds(context: RunContext) -> tuple[PriceKind, ...]:
    """What the cost of a run is reckoned from, once for each that differs."""
    return tuple(dict.fromkeys(_kind(pool) for pool in context.pools))


def _kind(pool: PoolContext) -> PriceKind:
    if pool.purchase is not None:
        rows = () if pool.purchase_rows is None else (pool.purchase_rows,)
        return PriceKind(pool.device, "purchase" if rows else "given", rows)
    if pool.price is None:
        return PriceKind(pool.device, "unknown")
    return PriceKind(pool.device, "rent" if pool.price.rows else "given", pool.price.rows)
