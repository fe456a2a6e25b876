"""Files that a command reads, one of which may come through standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

STANDARD_INPUT = "-"
_PARQUET = b"PAR1"


@contextmanager
def file_of(source: str, suffix: str = "") -> Iterator[str]:
    """The file meant by an argument; standard input for ``-``, laid down for as long as it is read.

    ``suffix`` is what the name of such a file ends in; that of Parquet is told from its content.

    Raises
    ------
    InputError
        What reading the file raised, with "standard input" where it would name the file laid down.
    """
    from simulator.errors import InputError

    if source != STANDARD_INPUT:
        yield source
        return
    with TemporaryDirectory() as folder:
        content = _bytes()
        ending = ".parquet" if content.startswith(_PARQUET) else suffix
        file = Path(folder) / f"input{ending}"
        file.write_bytes(content)
        try:
            yield str(file)
        except InputError as error:
            named = None if error.file is None else error.file.replace(str(file), "standard input")
            raise InputError(error.message, file=named, key=error.key) from None


def _bytes() -> bytes:
    stream = getattr(sys.stdin, "buffer", None)
    return sys.stdin.read().encode() if stream is None else bytes(stream.read())
