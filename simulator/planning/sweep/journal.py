"""Finished points on disk, one line each, safe against a kill at any time.

A record is appended in one write and flushed to the disk (fsync) before the next point is looked at, so what
was finished stays finished whatever is killed. A line that a kill cut short has no line end: it is cut off
when the journal is opened again, and its point runs again. A lock keeps a second sweep out of the folder.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from simulator.errors import InputError
from simulator.planning.sweep.point import PointRecord

FILE = "points.jsonl"
#: First line of the file; changes whenever the layout of its lines does.
FORMAT = "simulator-sweep/1"


class Journal:
    """The finished points of a folder; a context manager that holds the folder's lock.

    Parameters
    ----------
    folder
        Comes into being where it is missing.

    Raises
    ------
    InputError
        Where another sweep writes there, or the file is no journal.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / FILE
        self._records: dict[str, PointRecord] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            self._lock()
            self._read()
        except BaseException:
            os.close(self._descriptor)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def __contains__(self, identity: str) -> bool:
        return identity in self._records

    def __getitem__(self, identity: str) -> PointRecord:
        return self._records[identity]

    def add(self, record: PointRecord) -> None:
        """Keep a finished point; once this returns, it is on the disk."""
        if record.identity in self._records:
            return
        self._append(record.to_dict())
        self._records[record.identity] = record

    def _append(self, value: dict[str, Any]) -> None:
        line = json.dumps(value, separators=(",", ":"), default=str).encode() + b"\n"
        while line:
            line = line[os.write(self._descriptor, line) :]
        os.fsync(self._descriptor)

    def _lock(self) -> None:
        import fcntl

        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError("another sweep is writing to this folder", file=self.file.parent) from None

    def _read(self) -> None:
        content = self.file.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.ftruncate(self._descriptor, whole)
        lines = content[:whole].splitlines()
        if not lines:
            self._append({"format": FORMAT})
            return
        try:
            found = [json.loads(line) for line in lines]
            if found[0].get("format") != FORMAT:
                raise InputError(f"no journal of a sweep: expected {FORMAT!r}", file=self.file)
            records = [PointRecord(**one) for one in found[1:]]
        except (ValueError, TypeError, AttributeError) as error:
            raise InputError(f"no journal of a sweep: {error}", file=self.file) from None
        self._records = {record.identity: record for record in records}
