"""Tables of responses, gathered into cells: one model at one difficulty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

DIFFICULTIES = ("problem_size", "difficulty", "size", "level")
#: What may stand for a difficulty in a table that is named by itself.
KINDS = ("task_type", "task", "benchmark", "dataset", "category")
#: Words for an output that was cut at its limit.
CUT = ("length", "max_tokens", "max_output_tokens")
LENGTHS = ("completion_tokens", "output_tokens", "tokens")
#: So many responses of a model that share its longest length to the token were cut there, marked or not, if
#: it is at least `FAR` times the median of its other responses. Short answers share lengths by chance, the
#: longest too, but few lie so far off: 2 % at the spread of the shipped law (0.33) and one difficulty. Limits
#: do: the least of those in lineage_bench that cut three responses is 3.2 times that median. One that lies
#: lower cuts a good third of all responses, and is only believed where these are marked.
ALIKE, FAR = 3, 2.0


@dataclass(frozen=True)
class Cell:
    """Responses of one model at one difficulty; ``cut`` says which of them the limit ended."""

    model: str
    difficulty: str
    tokens: Floats
    cut: NDArray[np.bool_]

    @property
    def mean(self) -> float:
        """Mean length [tokens]."""
        return float(self.tokens.mean())

    @property
    def at_cap(self) -> int:
        """Responses that the limit ended."""
        return int(self.cut.sum())

    @property
    def cap(self) -> int | None:
        """The limit [tokens], where it ended any response."""
        return int(self.tokens[self.cut].max()) if self.at_cap else None

    @property
    def ended(self) -> Floats:
        """Lengths of the responses that ended by themselves [tokens]."""
        return self.tokens[~self.cut]

    def quantile(self, share: float) -> float:
        """Length that a share of the responses stays below [tokens]."""
        return float(np.quantile(self.tokens, share))


def read_cells(file: Path) -> list[Cell]:
    """The cells of a table of responses.

    Raises
    ------
    InputError
        Where a column is missing.
    """
    import pandas as pd

    rows = pd.read_csv(file)
    difficulty = column_of(rows, (*DIFFICULTIES, *KINDS), file, "a difficulty")
    length = column_of(rows, LENGTHS, file, "lengths")
    if "model" not in rows:
        raise InputError(f"no column model; found {', '.join(map(str, rows.columns))}", file=file)
    rows = rows[rows[length] > 0].copy()
    name = rows["model"].astype(str)
    if "effort" in rows:
        effort = rows["effort"].fillna("").astype(str)
        told = np.array([n.endswith(f"_{e}") if e else True for n, e in zip(name, effort, strict=True)])
        name = name.where(told, name + "_" + effort)
    rows["cell_model"] = name
    marked = rows["finish_reason"].isin(CUT) if "finish_reason" in rows else rows[length] < 0
    rows["cut"] = marked | _cut_alike(rows[length], rows["cell_model"])
    return [
        Cell(str(model), str(size), group[length].to_numpy(float), group["cut"].to_numpy(bool))
        for (model, size), group in rows.groupby(["cell_model", difficulty])
    ]


def _cut_alike(lengths: pd.Series[Any], models: pd.Series[Any]) -> pd.Series[Any]:
    """Whether each response was cut, told by how many share the longest length and how far off that is."""
    longest = lengths.groupby(models).transform("max") == lengths
    alike = longest.groupby(models).transform("sum") >= ALIKE
    others = lengths.where(~longest).groupby(models).transform("median")
    # A model without other responses gave nothing but the longest: it was cut.
    return longest & alike & ~(lengths < FAR * others)


def column_of(rows: pd.DataFrame, names: Sequence[str], file: Path, what: str) -> str:
    for name in names:
        if name in rows:
            return name
    raise InputError(f"no column with {what}: one of {', '.join(names)} is needed", file=file)


def tables_in(folder: Path) -> list[Path]:
    """Tables of responses in a folder, or the file itself."""
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise InputError("no such folder", file=folder)
    found = []
    for file in sorted([*folder.glob("*.csv"), *folder.glob("*.csv.gz")]):
        import pandas as pd

        columns = set(pd.read_csv(file, nrows=0).columns)
        if {"model"} <= columns and columns & set(DIFFICULTIES) and columns & set(LENGTHS):
            found.append(file)
    if not found:
        raise InputError(
            "no table of responses here: columns model, one of"
            f" {', '.join(DIFFICULTIES)} and one of {', '.join(LENGTHS)} are needed",
            file=folder,
        )
    return found
