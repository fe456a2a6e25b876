"""Output folders and files."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

#: Width of tables that go to a file or a pipe [columns].
WIDEST = 180


def check_writable(folder: Path) -> None:
    """Refuse an output folder before the work rather than after it.

    Raises
    ------
    InputError
        Where a file is in the way or the nearest existing folder above cannot be written to.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError("a file of that name is in the way of the output folder", file=folder)
    above = folder.absolute().parent
    while not above.exists():
        above = above.parent
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise InputError(f"the output folder cannot be made in {str(above)!r}", file=folder)


def write_text(path: Path, text: str) -> None:
    """Write a text file so that it appears whole or not at all."""
    if not path.parent.is_dir():
        raise InputError("its folder does not exist", file=path)
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def wide_console() -> Console:
    """A console for tables: as wide as the terminal, or wide enough for them in a file or a pipe."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else WIDEST)
