"""Files that appear when they are complete, never half written."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from simulator.errors import InputError


@contextmanager
def partial_of(target: Path) -> Iterator[Path]:
    """A place to write what becomes ``target`` at the end; on an error nothing is left.

    Raises
    ------
    InputError
        Where the folder of the target does not exist.
    """
    if not target.parent.is_dir():
        raise InputError("its folder does not exist", file=target)
    partial = target.with_name(f".{target.name}.partial")
    try:
        yield partial
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def text_of(partial: Path, target: Path) -> Iterator[TextIO]:
    """Text written to ``partial``, packed where the target's name ends in .gz."""
    with partial.open("wb") as raw:
        packed = (
            gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") if target.suffix == ".gz" else raw
        )
        with io.TextIOWrapper(packed, encoding="utf-8", newline="") as text:
            yield text
