"""Reading trace files: plain or gzip, and errors that name the line."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from simulator.errors import InputError, nearest, nearest_file
from simulator.scenario.workload.lengths import LONGEST

Array = NDArray[Any]
#: Turns the texts of one column into an array; a ValueError says what was expected.
Parser = Callable[[Sequence[str]], Array]

#: Rows parsed at a time, so that a large trace never lies in memory as text.
ROWS = 65_536

GZIP = b"\x1f\x8b"


def located(file: str | Path, base_dir: Path | None) -> Path:
    """The file or folder meant, from ``base_dir`` where relative; an error names the nearest one."""
    path = Path(file).expanduser()
    if base_dir is not None and not path.is_absolute():
        path = base_dir / path
    if not path.exists():
        raise InputError(f"there is no such trace{nearest_file(path)}", file=path)
    return path


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """The text of a file, unpacked where it is gzip."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == GZIP
            raw.seek(0)
            stream = gzip.GzipFile(fileobj=raw) if packed else raw
            with io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
                yield text
    except UnicodeDecodeError as error:
        raise InputError("is not a text file (UTF-8, plain or gzip)", file=path) from error
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise InputError(f"is a damaged gzip file ({error})", file=path) from error
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or error})", file=path) from error


def first_line(path: Path) -> str:
    """The first line that is not blank."""
    with opened(path) as text:
        for line in text:
            if "\0" in line:
                raise InputError("is not a text file (UTF-8, plain or gzip)", file=path)
            if line.strip():
                return line.strip()
    raise InputError("is empty; expected a trace with at least one request", file=path)


def read_columns(path: Path, required: dict[str, Parser], optional: dict[str, Parser]) -> dict[str, Array]:
    """Columns of a CSV file with a header, by name, parsed block by block.

    Raises
    ------
    InputError
        Where a column is missing, there are no rows, or a row is corrupt (with its line).
    """
    with opened(path) as text:
        reader = csv.reader(text)
        try:
            header = [name.strip() for name in next(reader, [])]
            parsers = _chosen(path, header, required, optional)
            blocks = list(_blocks(path, reader, header, parsers))
        except csv.Error as error:
            raise InputError(
                f"is not a CSV file ({error})", file=path, key=f"line {reader.line_num}"
            ) from error
    if not blocks:
        raise InputError("has a header but no rows; expected at least one request", file=path)
    return {name: np.concatenate([block[name] for block in blocks]) for name in parsers}


def _chosen(
    path: Path, header: list[str], required: dict[str, Parser], optional: dict[str, Parser]
) -> dict[str, Parser]:
    """Parsers of the columns to read."""
    if not header:
        raise InputError("is empty; expected a CSV file with a header", file=path)
    for name in required:
        if name not in header:
            raise InputError(
                f"column {name!r} is missing{nearest(name, header)}; the header has {', '.join(header)}",
                file=path,
                key="line 1",
            )
    return required | {name: parser for name, parser in optional.items() if name in header}


def _blocks(
    path: Path, reader: Any, header: list[str], parsers: dict[str, Parser]
) -> Iterator[dict[str, Array]]:
    while True:
        line = reader.line_num + 1
        rows = list(islice(reader, ROWS))
        if not rows:
            return
        lines: Sequence[int] = range(line, line + len(rows))
        if any(len(row) != len(header) for row in rows):
            rows, lines = _whole_rows(path, rows, lines, len(header))
        if rows:
            columns = list(zip(*rows, strict=True))
            yield {
                name: _parsed(path, name, columns[header.index(name)], parser, lines)
                for name, parser in parsers.items()
            }


def _whole_rows(
    path: Path, rows: list[list[str]], lines: Sequence[int], width: int
) -> tuple[list[list[str]], list[int]]:
    """The rows without blank lines; any other row of the wrong width is an error."""
    kept = [(row, line) for row, line in zip(rows, lines, strict=True) if row]
    for row, line in kept:
        if len(row) != width:
            raise InputError(f"found {len(row)} cells; the header has {width}", file=path, key=f"line {line}")
    return [row for row, _ in kept], [line for _, line in kept]


def _parsed(path: Path, name: str, texts: Sequence[str], parser: Parser, lines: Sequence[int]) -> Array:
    """The whole column at once; only where that fails, row by row to find the culprit."""
    try:
        return parser(texts)
    except (ValueError, OverflowError):
        for text, line in zip(texts, lines, strict=True):
            try:
                parser([text])
            except (ValueError, OverflowError) as error:
                message = f"{name} is {text!r}; expected {parser.__doc__}"
                raise InputError(message, file=path, key=f"line {line}") from error
        raise


def token_counts(texts: Sequence[str]) -> Array:
    """a whole number of tokens, 0 to 4194304"""
    values = np.array(list(map(int, texts)), dtype=np.int64)
    if len(values) and (values.min() < 0 or values.max() > LONGEST):
        raise ValueError
    return values


def whole_numbers(texts: Sequence[str]) -> Array:
    """a whole number"""
    return np.array([int(text or 0) for text in texts], dtype=np.int32)


def seconds(texts: Sequence[str]) -> Array:
    """a time in seconds, zero or more"""
    values = np.array(list(map(float, texts)), dtype=np.float64)
    if not np.all((values >= 0.0) & (values < 4e9)):
        raise ValueError
    return values


def date_times(texts: Sequence[str]) -> Array:
    """a date and time like 2023-11-16 18:15:46.6805900 (UTC)"""
    bare = [text.removesuffix("Z").removesuffix("+00:00") for text in texts]
    if not all(text[:1].isdigit() for text in bare):
        raise ValueError  # numpy would read "", "now" and "NaT" as times
    return np.array(bare, dtype="datetime64[ns]").astype(np.int64)


def words(texts: Sequence[str]) -> Array:
    """text"""
    return np.array(texts, dtype=object)
