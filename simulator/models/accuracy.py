"""What a narrower format or pruning does to a model's answers: published figures, never invented ones.

The table ``model_cards/accuracy/changes.yaml`` holds what was measured. A format without an entry is reported
as unknown; a format as wide as the published one changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from pydantic import BaseModel, ConfigDict

from simulator.models.card import ModelCard
from simulator.models.precision import bytes_per_value, dense_format, is_sparse
from simulator.units.data_files import data_folder
from simulator.units.explain import validate
from simulator.units.yaml_file import read_mapping

What = Literal["weights", "KV cache", "pruning"]


@dataclass(frozen=True, slots=True)
class AccuracyChange:
    """One change of accuracy, as published; ``low`` and ``high`` are None where nobody measured it.

    ``unit`` is ``points`` of a score in percent, or ``percent`` of the score.
    """

    what: str
    format: str
    low: float | None = None
    high: float | None = None
    unit: str = "points"
    measure: str = ""
    source: str = ""

    @property
    def known(self) -> bool:
        """Whether there is a published figure."""
        return self.low is not None

    @property
    def text(self) -> str:
        """In one sentence."""
        subject = "2:4 pruning" if self.what == "pruning" else f"{self.format} {self.what}"
        if self.low is None or self.high is None:
            return f"accuracy change by {subject}: unknown; nobody published it"
        span = f"{self.low:+g}" if self.low == self.high else f"{self.low:+g} to {self.high:+g}"
        if self.low == self.high == 0:
            span = "none found"
        unit = "" if span == "none found" else f" {self.unit}"
        return f"accuracy change by {subject}: {span}{unit} ({self.measure}; {self.source})"


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    what: What
    format: str
    change: tuple[float, float]
    unit: Literal["points", "percent"]
    measure: str
    models_measured: str
    models: tuple[str, ...] = ()
    source: str
    date: str
    confidence: Literal["vendor-claim", "third-party-measurement", "estimate"]

    def holds_for(self, card: ModelCard) -> bool:
        return not self.models or card.id.startswith(self.models)

    def change_of(self) -> AccuracyChange:
        measure = f"{self.measure}; measured on {self.models_measured}"
        low, high = self.change
        source = f"{self.source}, {self.date}"
        return AccuracyChange(self.what, self.format, low, high, self.unit, measure, source)


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    changes: tuple[_Row, ...]


@cache
def _rows() -> tuple[_Row, ...]:
    file = data_folder("model_cards") / "accuracy" / "changes.yaml"
    rows = validate(_Table, read_mapping(file, what="table of accuracy changes"), file).changes
    return tuple(sorted(rows, key=lambda row: not row.models))


def accuracy_changes(card: ModelCard, weight_dtype: str, kv_dtype: str) -> tuple[AccuracyChange, ...]:
    """What serving a model in these formats changes, against how it was published.

    Parameters
    ----------
    weight_dtype, kv_dtype
        Canonical formats of weights and KV cache.
    """
    found = []
    dense = dense_format(weight_dtype)
    if bytes_per_value(dense) < bytes_per_value(card.weight_dtype):
        found.append(_look_up(card, "weights", dense))
    if is_sparse(weight_dtype):
        found.append(_look_up(card, "pruning", "2:4"))
    if bytes_per_value(kv_dtype) < bytes_per_value("bf16"):
        found.append(_look_up(card, "KV cache", kv_dtype))
    return tuple(found)


def _look_up(card: ModelCard, what: What, format_: str) -> AccuracyChange:
    for row in _rows():
        if row.what == what and row.format == format_ and row.holds_for(card):
            return row.change_of()
    return AccuracyChange(what, format_)
