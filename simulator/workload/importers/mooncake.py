"""Mooncake traces (FAST'25): JSON Lines with content as block hashes.

Fields: timestamp [ms], input_length, output_length [tokens], hash_ids (one id per 512
tokens of the prompt; equal ids are equal content). Time counts from the first row. The
conversation trace is stamped in ticks of 3 s: spread them (``spread: 3 s``).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from simulator.errors import InputError
from simulator.scenario.workload.lengths import LONGEST
from simulator.workload.importers.text_file import opened
from simulator.workload.importers.trace import Trace, from_first, tokens
from simulator.workload.traffic import Piece, Traffic

#: Tokens behind one hash id.
BLOCK_TOKENS = 512
NS_PER_MS = 1_000_000


def read_mooncake(path: Path) -> Trace:
    """Read a Mooncake trace."""
    arrivals: list[int] = []
    prompts: list[int] = []
    outputs: list[int] = []
    pieces: list[tuple[Piece, ...]] = []
    hashed = False
    with opened(path) as text:
        for line, content in enumerate(text, 1):
            if not content.strip():
                continue
            try:
                arrival_ns, prompt, output, ids = _row(json.loads(content))
            except (ValueError, TypeError, OverflowError) as error:
                raise InputError(
                    f"not a Mooncake row: {_reason(error)}", file=path, key=f"line {line}"
                ) from error
            arrivals.append(arrival_ns)
            prompts.append(prompt)
            outputs.append(output)
            hashed = hashed or bool(ids)
            pieces.append(block_pieces(ids, max(prompt, 1), len(pieces)))
    if not arrivals:
        raise InputError("is empty; expected at least one request", file=path)
    traffic = Traffic(
        np.array(arrivals, dtype=np.int64),
        tokens(np.array(prompts)),
        tokens(np.array(outputs)),
        pieces=pieces if hashed else None,
    )
    return Trace(from_first(traffic))


def _reason(error: Exception) -> str:
    return "invalid JSON" if isinstance(error, json.JSONDecodeError) else str(error)


def _row(row: Any) -> tuple[int, int, int, list[int]]:
    """Arrival [ns], prompt and output length [tokens], and hash ids of one line."""
    if not isinstance(row, dict):
        raise ValueError("expected an object")
    for key in ("timestamp", "input_length", "output_length"):
        if key not in row:
            raise ValueError(f"{key} is missing")
        if isinstance(row[key], bool) or not isinstance(row[key], int | float) or not 0 <= row[key] < 4e12:
            raise ValueError(f"{key} is {row[key]!r}; expected a number, zero or more")
    prompt, output, ids = row["input_length"], row["output_length"], row.get("hash_ids") or []
    if prompt != int(prompt) or output != int(output) or max(prompt, output) > LONGEST:
        raise ValueError(f"lengths are {prompt} and {output}; expected whole numbers up to {LONGEST}")
    if not isinstance(ids, list) or not all(isinstance(number, int) for number in ids):
        raise ValueError("hash_ids must be a list of whole numbers")
    return round(row["timestamp"] * NS_PER_MS), int(prompt), int(output), ids


def block_pieces(ids: list[int], prompt: int, row: int) -> tuple[Piece, ...]:
    """One piece per block; tokens beyond the last id are this row's own."""
    full = min(len(ids), prompt // BLOCK_TOKENS)
    pieces: list[Piece] = [(number, 0, BLOCK_TOKENS) for number in ids[:full]]
    rest = prompt - full * BLOCK_TOKENS
    if rest and len(ids) > full:
        pieces.append((ids[full], 0, rest))
    elif rest:
        pieces.append((f"own:{row}", 0, rest))
    return tuple(pieces)
