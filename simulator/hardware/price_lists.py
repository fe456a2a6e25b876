"""Dated lists in ``prices/``, and what several rows of one say together."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel

from simulator.units.catalogue import with_citations
from simulator.units.data_files import data_folder
from simulator.units.explain import validate
from simulator.units.yaml_file import read_mapping

List = TypeVar("List", bound=BaseModel)
#: What a citation says of itself where nobody has looked the figure up.
_UNVERIFIED = "unverified"


class PriceRange(BaseModel, frozen=True):
    """A figure with its spread: lowest, median and highest of the rows it rests on.

    ``unit`` is that of the three figures; ``date`` the span of dates of the rows; ``unverified`` how many of
    them nobody has looked up.
    """

    low: float
    mid: float
    high: float
    unit: str
    rows: int
    date: str
    source: tuple[str, ...]
    confidence: str
    tiers: tuple[str, ...] = ()
    unverified: int = 0

    @property
    def citation(self) -> str:
        """One line for a report: what, how many rows, when, from where."""
        kind = f"{', '.join(self.tiers)}, " if self.tiers else ""
        number = "1 price" if self.rows == 1 else f"median of {self.rows} prices"
        return f"{kind}{number}, {self.date}: {'; '.join(self.source)}"


def read_list(name: str, type_: type[List]) -> List:
    """The list of this file in ``prices/``, with its citations written out."""
    path = data_folder("prices") / name
    content: dict[str, Any] = with_citations(read_mapping(path, what="price list"), path)
    return validate(type_, content, path)


def provenance(rows: list[Any]) -> dict[str, Any]:
    """Number, dates, citations and the weakest confidence of rows, and how many are unverified."""
    dates = sorted({row.date for row in rows if row.date})
    order = ("datasheet", "third-party-measurement", "vendor-claim", "press", "estimate")
    return {
        "rows": len(rows),
        "date": dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}" if dates else "undated",
        "source": tuple(dict.fromkeys(text for row in rows for text in row.source)),
        "confidence": max((row.confidence for row in rows), key=order.index),
        "unverified": sum(all(_UNVERIFIED in text for text in row.source) for row in rows),
    }
