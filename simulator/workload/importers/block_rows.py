"""Traces in JSON Lines whose prompts are told as ids of blocks: Mooncake's layout and its relatives.

=============  ==========  ======  ==========================================================
layout         timestamp   block   what is special
=============  ==========  ======  ==========================================================
mooncake       ms          512     one id per started block; some lists are longer than the prompt
guidellm       ms          512     the same (``--data kind=mooncake`` with its default columns)
timed-trace    ms          512     vLLM's ``--dataset-name timed_trace``: its prompt is *built* from the
                                   ids, so where ids are missing vLLM's prompt is shorter than told
aiperf         ms          512     ``timestamp`` and ``output_length`` may be missing, ``delay`` counts from
                                   the turn before of the same ``session_id``; rows with text are refused
bailian        s           16      chats by ``chat_id``
=============  ==========  ======  ==========================================================

Equal ids are equal content. Time counts from the first row. Mooncake's conversation trace is stamped in
ticks of 3 s: spread them (``spread: 3 s``).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from simulator.errors import InputError
from simulator.scenario.workload.lengths import LONGEST
from simulator.units.clock import NS_PER_S
from simulator.workload.importers.segments import shared
from simulator.workload.importers.text_file import opened
from simulator.workload.importers.trace import Trace, from_first, tokens
from simulator.workload.traffic import Piece, Traffic

#: Tokens behind one hash id of Mooncake.
BLOCK_TOKENS = 512
NS_PER_MS = 1_000_000
#: Output of rows that do not say theirs [tokens]: what aiperf's servers then generate is up to them.
UNSAID_OUTPUT = 1


@dataclass(slots=True)
class Clock:
    """Arrival of each row [ns]."""

    unit_ns: int

    def arrival(self, row: dict[str, Any]) -> int:
        """By the row's own timestamp."""
        return round(number(row, "timestamp") * self.unit_ns)


@dataclass(slots=True)
class SessionClock(Clock):
    """The same, or so long after the turn before of the same session (aiperf)."""

    latest: dict[Any, int] = field(default_factory=dict)

    def arrival(self, row: dict[str, Any]) -> int:
        """By timestamp, else by delay."""
        session = row.get("session_id")
        if row.get("timestamp") is not None:
            arrival = round(number(row, "timestamp") * self.unit_ns)
        elif row.get("delay") is not None:
            if session not in self.latest:
                raise ValueError("delay counts from an earlier turn of the session_id; there is none")
            arrival = self.latest[session] + round(number(row, "delay") * NS_PER_MS)
        else:
            raise ValueError("timestamp is missing, and so is delay")
        self.latest[session] = arrival
        return arrival


@dataclass(frozen=True, slots=True)
class Layout:
    """How a program writes such a trace.

    ``refused`` are fields with content that is not told as tokens; ``output`` stands in where a row does not
    say its output, None where it must.
    """

    name: str
    clock: Callable[[], Clock]
    block_tokens: int = BLOCK_TOKENS
    refused: tuple[str, ...] = ()
    output: int | None = None


MOONCAKE = Layout("Mooncake", lambda: Clock(NS_PER_MS))
GUIDELLM = Layout("GuideLLM", lambda: Clock(NS_PER_MS))
TIMED_TRACE = Layout("timed_trace", lambda: Clock(NS_PER_MS))
AIPERF = Layout(
    "aiperf",
    lambda: SessionClock(NS_PER_MS),
    refused=("text_input", "messages", "payload"),
    output=UNSAID_OUTPUT,
)
BAILIAN = Layout("Bailian", lambda: Clock(NS_PER_S), block_tokens=16)


def reader_of(layout: Layout) -> Callable[[Path], Trace]:
    """A reader of traces in this layout."""

    def read(path: Path) -> Trace:
        return read_block_rows(path, layout)

    return read


def read_block_rows(path: Path, layout: Layout = MOONCAKE) -> Trace:
    """Read a trace.

    Raises
    ------
    InputError
        Where the file is empty or a row is corrupt (with its line).
    """
    clock = layout.clock()
    rows: list[tuple[int, int, int]] = []
    pieces: list[tuple[Piece, ...]] = []
    hashed = False
    with opened(path) as text:
        for line, content in enumerate(text, 1):
            if not content.strip():
                continue
            try:
                row = _object(content)
                prompt, output, ids = _lengths(row, layout)
                rows.append((clock.arrival(row), prompt, output))
            except (ValueError, TypeError, OverflowError) as error:
                raise InputError(
                    f"not a {layout.name} row: {_reason(error)}", file=path, key=f"line {line}"
                ) from error
            hashed = hashed or bool(ids)
            pieces.append(block_pieces(ids, max(prompt, 1), len(pieces), layout.block_tokens))
    if not rows:
        raise InputError("is empty; expected at least one request", file=path)
    arrivals, prompts, outputs = np.array(rows, dtype=np.int64).T
    told = pieces if hashed and shared(pieces) else None
    traffic = Traffic(arrivals, tokens(prompts), tokens(outputs), pieces=told)
    return Trace(from_first(traffic))


def _reason(error: Exception) -> str:
    return "invalid JSON" if isinstance(error, json.JSONDecodeError) else str(error)


def _object(content: str) -> dict[str, Any]:
    row = json.loads(content)
    if not isinstance(row, dict):
        raise ValueError("expected an object")
    return row


def number(row: dict[str, Any], key: str) -> float:
    """A number of a row, zero or more.

    Raises
    ------
    ValueError
        Where it is missing or none.
    """
    if key not in row:
        raise ValueError(f"{key} is missing")
    value = row[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 4e12:
        raise ValueError(f"{key} is {value!r}; expected a number, zero or more")
    return value


def _lengths(row: dict[str, Any], layout: Layout) -> tuple[int, int, list[int]]:
    """Prompt and output length [tokens], and hash ids of one row."""
    for key in layout.refused:
        if row.get(key) is not None:
            raise ValueError(f"{key} tells the prompt as text; expected input_length")
    prompt = number(row, "input_length")
    if layout.output is not None and row.get("output_length") is None:
        output: float = layout.output
    else:
        output = number(row, "output_length")
    ids = row.get("hash_ids") or []
    if prompt != int(prompt) or output != int(output) or max(prompt, output) > LONGEST:
        raise ValueError(f"lengths are {prompt} and {output}; expected whole numbers up to {LONGEST}")
    if not isinstance(ids, list) or not all(isinstance(number, int) for number in ids):
        raise ValueError("hash_ids must be a list of whole numbers")
    return int(prompt), int(output), ids


def block_pieces(
    ids: list[int], prompt: int, row: int, block_tokens: int = BLOCK_TOKENS
) -> tuple[Piece, ...]:
    """One piece per block; tokens beyond the last id are this row's own."""
    full = min(len(ids), prompt // block_tokens)
    pieces: list[Piece] = [(name, 0, block_tokens) for name in ids[:full]]
    rest = prompt - full * block_tokens
    if rest and len(ids) > full:
        pieces.append((ids[full], 0, rest))
    elif rest:
        pieces.append((f"own:{row}", 0, rest))
    return tuple(pieces)
