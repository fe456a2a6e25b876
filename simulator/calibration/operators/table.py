"""Tables of measured operator times in the format of aiconfigurator-core: one CSV per system and operator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

#: The tables' names of number formats for each of ours, the preferred one first. Published experts in
#: 8 bits are scaled by blocks; engines on Blackwell quantise the inputs of mxfp4 experts to 8 bits.
FORMATS = {
    "bf16": ("bfloat16",),
    "fp8": ("fp8",),
    "nvfp4": ("nvfp4",),
}
EXPERT_FORMATS = {
    "bf16": ("bfloat16",),
    "fp8": ("fp8_block",),
    "nvfp4": ("nvfp4",),
    "int4": ("int4_wo",),
    "mxfp4": ("w4a8_mxfp4_mxfp8", "w4a16_mxfp4"),
}


@dataclass(frozen=True, slots=True)
class OperatorTable:
    """One table: its rows, and what they were measured with (for citations)."""

    rows: pd.DataFrame
    software: str

    def column(self, name: str) -> Floats:
        """A numeric column, shape (rows,)."""
        return self.rows[name].to_numpy(dtype=np.float64)

    @property
    def seconds(self) -> Floats:
        """Measured times [s], shape (rows,)."""
        return self.column("latency_ms") * 1e-3

    def where(self, keep: NDArray[np.bool_]) -> OperatorTable:
        """Some of the rows."""
        return OperatorTable(self.rows[keep], self.software)

    def by_format(
        self, column: str, formats: Mapping[str, tuple[str, ...]] = FORMATS
    ) -> Iterator[tuple[str, OperatorTable]]:
        """One table per number format of ours that was measured."""
        for ours, names in formats.items():
            measured = next((name for name in names if (self.rows[column] == name).any()), None)
            if measured is not None:
                yield ours, self.where((self.rows[column] == measured).to_numpy())


def read_table(folder: Path, operator: str) -> OperatorTable | None:
    """The table of an operator ("gemm", "attention-context", "moe", ...), None where it was not measured.

    Raises
    ------
    InputError
        Where there are several.
    """
    found = sorted(folder.glob(f"{operator}*.csv.gz"))
    if len(found) > 1:
        raise InputError(f"holds {len(found)} tables of {operator}, but one is needed", file=folder)
    if not found:
        return None
    software = "-".join(found[0].name.removesuffix(".csv.gz").split("-")[-2:])
    import pandas as pd

    return OperatorTable(pd.read_csv(found[0]), software)
