"""Tables in files: Parquet where pyarrow is installed, CSV otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from simulator.errors import InputError
from simulator.results import tables


def write_table(folder: Path, name: str, pieces: Iterable[dict[str, tables.Column]]) -> None:
    """Parquet where pyarrow is there, CSV otherwise; the pieces follow one another."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        _write_csv(folder / f"{name}.csv", pieces)
        return
    writer = None
    for columns in pieces:
        # NaN marks what never came; in Parquet that is a null.
        table = pa.table({key: pa.array(column, from_pandas=True) for key, column in columns.items()})
        writer = writer or pq.ParquetWriter(folder / f"{name}.parquet", table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _write_csv(path: Path, pieces: Iterable[dict[str, tables.Column]]) -> None:
    for index, columns in enumerate(pieces):
        tables.frame(columns).to_csv(path, mode="a", header=index == 0, index=False)


def read_table(folder: Path, name: str) -> dict[str, tables.Column]:
    """The columns of the table of this name.

    Raises
    ------
    InputError
        Where it is missing, or no table.
    """
    import pandas as pd

    for path, read in ((folder / f"{name}.parquet", _read_parquet), (folder / f"{name}.csv", pd.read_csv)):
        if path.is_file():
            try:
                table = read(path)
            # The readers raise many kinds of error for a file that is not theirs.
            except Exception as error:
                raise InputError(f"cannot be read as a table: {error}", file=path) from None
            return {str(column): table[column].to_numpy() for column in table.columns}
    raise InputError("missing from the result", file=folder / f"{name}.parquet")


def _read_parquet(path: Path) -> Any:
    try:
        import pyarrow.parquet as pq
    except ImportError:
        raise InputError(
            "reading Parquet needs pyarrow: pip install 'simulator[parquet]'", file=path
        ) from None
    return pq.read_table(path).to_pandas()
