"""Writes traffic as a request table, to be replayed or looked at elsewhere."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from simulator.errors import InputError
from simulator.units.clock import NS_PER_S
from simulator.workload.exporters.whole_file import partial_of, text_of
from simulator.workload.importers.segments import as_text
from simulator.workload.traffic import Traffic


def write_traffic(chunks: Iterable[Traffic], path: str | Path) -> int:
    """Write requests to ``.csv``, ``.csv.gz`` or ``.parquet``, chunk by chunk.

    The file appears when it is complete, never half written.

    Returns
    -------
    int
        Requests written.
    """
    target = Path(path)
    writers = {".parquet": _write_parquet, ".csv": _write_csv, ".gz": _write_csv}
    if target.suffix not in writers:
        raise InputError(
            f"found {target.suffix!r}; a request table ends in .csv, .csv.gz or .parquet", file=target
        )
    with partial_of(target) as partial:
        return writers[target.suffix](chunks, partial, target)


def _columns(traffic: Traffic, start: int) -> dict[str, list[Any]]:
    """The columns of the table that this traffic has."""
    count = len(traffic)
    columns: dict[str, list[Any]] = {
        "request_id": traffic.names or [f"r{index}" for index in range(start, start + count)],
        "arrival_s": (traffic.arrival_ns / NS_PER_S).tolist(),
        "prompt_tokens": traffic.prompt_tokens.tolist(),
        "output_tokens": traffic.output_tokens.tolist(),
    }
    if traffic.thinking_tokens is not None:
        columns["thinking_tokens"] = traffic.thinking_tokens.tolist()
    if traffic.priority is not None:
        columns["priority"] = traffic.priority.tolist()
    if traffic.pieces is not None:
        columns["prompt_segments"] = [as_text(pieces) for pieces in traffic.pieces]
    return columns


def _numbered(chunks: Iterable[Traffic]) -> Iterator[tuple[int, dict[str, list[Any]]]]:
    """The table of each chunk and how many requests precede it."""
    start = 0
    for chunk in chunks:
        yield start, _columns(chunk, start)
        start += len(chunk)


def _decimal_seconds(times: list[float]) -> list[str]:
    """Times [s] with all nine decimals, as shortest floats would fall into exponents."""
    return [np.format_float_positional(time, precision=9, trim="0") for time in times]


def _write_csv(chunks: Iterable[Traffic], partial: Path, target: Path) -> int:
    count = 0
    with text_of(partial, target) as text:
        writer = csv.writer(text, lineterminator="\n")
        for start, columns in _numbered(chunks):
            if start == 0:
                writer.writerow(columns)
            columns["arrival_s"] = _decimal_seconds(columns["arrival_s"])
            writer.writerows(zip(*columns.values(), strict=True))
            count = start + len(columns["arrival_s"])
    return count


def _write_parquet(chunks: Iterable[Traffic], partial: Path, target: Path) -> int:
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise InputError(
            "writing Parquet needs pyarrow: pip install 'simulator[parquet]'", file=target
        ) from error
    count, writer = 0, None
    try:
        for start, columns in _numbered(chunks):
            table = arrow.table(columns)
            writer = writer or parquet.ParquetWriter(partial, table.schema)
            writer.write_table(table)
            count = start + table.num_rows
    finally:
        if writer is not None:
            writer.close()
    if writer is None:
        raise InputError("there are no requests to write", file=target)
    return count
