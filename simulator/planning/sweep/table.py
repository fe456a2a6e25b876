"""One row per point: settings, seed, why there are no figures, and the figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.planning.sweep.point import PointRecord

if TYPE_CHECKING:
    import pandas as pd

NAME = "results"


def rows_of(records: Sequence[PointRecord]) -> list[dict[str, Any]]:
    """Flat rows; a setting that is a mapping or a list becomes text."""
    return [
        {
            **{key: _cell(value) for key, value in record.settings.items()},
            "seed": record.seed,
            "reason": record.reason,
            "wall_s": record.wall_s,
            **{key: value for key, value in record.figures.items() if key not in ("seed",)},
        }
        for record in records
    ]


def frame_of(records: Sequence[PointRecord]) -> pd.DataFrame:
    """The rows as a DataFrame."""
    import pandas as pd

    return pd.DataFrame(rows_of(records))


def write_table(records: Sequence[PointRecord], folder: Path) -> list[Path]:
    """Write ``results.csv``, and ``results.parquet`` where pyarrow is installed; each appears whole."""
    table = frame_of(records)
    written = [folder / f"{NAME}.csv"]
    partial = folder / f".{NAME}.partial"
    table.to_csv(partial, index=False)
    partial.replace(written[0])
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        return written
    # A column of settings may mix numbers and texts, which Parquet can not.
    mixed = {name: "str" for name in table.columns if table[name].dtype == object and name != "reason"}
    table.astype(mixed).to_parquet(partial, index=False)
    written.append(folder / f"{NAME}.parquet")
    partial.replace(written[1])
    return written


def _cell(value: Any) -> Any:
    return str(value) if isinstance(value, dict | list) else value
