"""Request tables: our own export, and the load of a measured run.

Columns: arrival_s, prompt_tokens, output_tokens, and where known request_id,
thinking_tokens, priority and prompt_segments (see ``segments``). CSV (plain or gzip) or
Parquet; other columns are passed over. Times are kept as they stand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from simulator.errors import InputError
from simulator.units.clock import NS_PER_S
from simulator.workload.importers.segments import segments, shared
from simulator.workload.importers.text_file import (
    Array,
    Parser,
    read_columns,
    seconds,
    token_counts,
    whole_numbers,
    words,
)
from simulator.workload.importers.trace import Trace, in_order, tokens
from simulator.workload.traffic import Piece, Traffic

REQUIRED = {"arrival_s": seconds, "prompt_tokens": token_counts, "output_tokens": token_counts}
OPTIONAL = {
    "request_id": words,
    "thinking_tokens": token_counts,
    "priority": whole_numbers,
    "prompt_segments": words,
}


def read_request_table(path: Path) -> Trace:
    """Read a request table from CSV or Parquet."""
    parquet = path.suffix == ".parquet"
    columns = _read_parquet(path) if parquet else read_columns(path, dict(REQUIRED), dict(OPTIONAL))
    prompt = tokens(columns["prompt_tokens"])
    pieces = None
    if "prompt_segments" in columns:
        pieces = _pieces(path, columns["prompt_segments"].tolist(), prompt.tolist())
    thinking, priority = columns.get("thinking_tokens"), columns.get("priority")
    traffic = Traffic(
        np.rint(columns["arrival_s"] * NS_PER_S).astype(np.int64),
        prompt,
        tokens(columns["output_tokens"]),
        None if thinking is None else thinking.astype(np.int32),
        priority.astype(np.int32) if priority is not None and priority.any() else None,
        pieces,
        _names(pieces, columns.get("request_id")),
    )
    return Trace(in_order(traffic))


def _pieces(path: Path, texts: list[str], prompts: list[int]) -> list[tuple[Piece, ...]] | None:
    """Content of each prompt, or None where nothing is shared."""
    pieces = []
    for row, (text, prompt) in enumerate(zip(texts, prompts, strict=True)):
        try:
            found = segments(text)
        except ValueError as error:
            raise InputError(f"prompt_segments has {error}", file=path, key=f"row {row + 1}") from error
        if sum(count for _, _, count in found) != prompt:
            raise InputError(
                f"prompt_segments {text!r} does not sum to the {prompt} prompt_tokens",
                file=path,
                key=f"row {row + 1}",
            )
        pieces.append(found)
    return pieces if shared(pieces) else None


def _names(pieces: list[tuple[Piece, ...]] | None, ids: Array | None) -> list[str] | None:
    """Names of the requests, where prompts contain outputs and so need them."""
    if pieces is None or ids is None:
        return None
    refers = any(str(stream).startswith("out:") for prompt in pieces for stream, _, _ in prompt)
    return [str(name) for name in ids] if refers else None


def _read_parquet(path: Path) -> dict[str, Array]:
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise InputError(
            "reading Parquet needs pyarrow: pip install 'simulator[parquet]'", file=path
        ) from error
    try:
        table: Any = parquet.read_table(path)
    except (arrow.ArrowException, OSError) as error:
        raise InputError(f"is not a readable Parquet file ({error})", file=path) from error
    for name in REQUIRED:
        if name not in table.column_names:
            raise InputError(
                f"column {name!r} is missing; the file has {', '.join(table.column_names)}", file=path
            )
    if table.num_rows == 0:
        raise InputError("has no rows; expected at least one request", file=path)
    return {
        name: _checked(path, name, table[name].to_pylist())
        for name in (*REQUIRED, *OPTIONAL)
        if name in table.column_names
    }


def _checked(path: Path, name: str, values: list[Any]) -> Array:
    """A Parquet column through the same parser as its CSV counterpart."""
    parser = (REQUIRED | OPTIONAL)[name]
    try:
        return parser(values)
    except (ValueError, TypeError, OverflowError) as error:
        row = next(row for row, value in enumerate(values, 1) if not _parses(parser, value))
        raise InputError(
            f"{name} is {values[row - 1]!r}; expected {parser.__doc__}", file=path, key=f"row {row}"
        ) from error


def _parses(parser: Parser, value: Any) -> bool:
    try:
        parser([value])
    except (ValueError, TypeError, OverflowError):
        return False
    return True
