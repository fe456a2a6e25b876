"""JSON Lines with prompts as ids of blocks: Mooncake's layout and its relatives.

Two prompts get the same id for a block exactly where they hold the same tokens from their start to its end,
as the hashes of a prefix cache do. Every prompt gets as many ids as it has started blocks, also where
nothing is shared: vLLM's ``timed_trace`` builds the prompt from them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from math import ceil
from pathlib import Path

from simulator.errors import InputError
from simulator.units.clock import NS_PER_S
from simulator.workload.exporters.whole_file import partial_of, text_of
from simulator.workload.traffic import Piece, Traffic

_NOTHING = -1


class BlockIds:
    """Numbers the blocks of prompts in the order in which their content first occurs."""

    def __init__(self, block_tokens: int) -> None:
        self._size = block_tokens
        self._ids: dict[tuple[int, tuple[Piece, ...]], int] = {}
        self._next = 0

    def of_pieces(self, pieces: tuple[Piece, ...]) -> list[int]:
        """Ids of a prompt with this content."""
        ids: list[int] = []
        before = _NOTHING
        for block in _blocks(pieces, self._size):
            before = self._ids.setdefault((before, block), self._next)
            self._next += before == self._next
            ids.append(before)
        return ids

    def of_tokens(self, tokens: int) -> list[int]:
        """Ids of a prompt that shares nothing."""
        count = ceil(tokens / self._size)
        self._next += count
        return list(range(self._next - count, self._next))


def _blocks(pieces: tuple[Piece, ...], size: int) -> Iterator[tuple[Piece, ...]]:
    """The content of each block, the last one shorter. Adjacent parts of a stream are joined."""
    block: list[Piece] = []
    room = size
    for stream, offset, length in pieces:
        while length:
            taken = min(length, room)
            last = block[-1] if block else None
            if last is not None and last[0] == stream and last[1] + last[2] == offset:
                block[-1] = (stream, last[1], last[2] + taken)
            else:
                block.append((stream, offset, taken))
            offset, length, room = offset + taken, length - taken, room - taken
            if not room:
                yield tuple(block)
                block, room = [], size
    if block:
        yield tuple(block)


def block_rows_writer(
    block_tokens: int, per_second: int = 1000, decimals: int = 0
) -> Callable[[Iterable[Traffic], Path], int]:
    """A writer of such traces.

    Parameters
    ----------
    block_tokens
        Tokens behind one id.
    per_second
        What ``timestamp`` counts: 1000 for milliseconds.
    decimals
        Of ``timestamp``; 0 for whole numbers.
    """

    def write(chunks: Iterable[Traffic], target: Path) -> int:
        count = 0
        ids = BlockIds(block_tokens)
        with partial_of(target) as partial:
            with text_of(partial, target) as text:
                for chunk in chunks:
                    text.writelines(_lines(chunk, ids, per_second, decimals))
                    count += len(chunk)
            if not count:
                raise InputError("there are no requests to write", file=target)
        return count

    return write


def _lines(traffic: Traffic, ids: BlockIds, per_second: int, decimals: int) -> Iterator[str]:
    times = traffic.arrival_ns.tolist()
    prompts, outputs = traffic.prompt_tokens.tolist(), traffic.output_tokens.tolist()
    for at, (time_ns, prompt, output) in enumerate(zip(times, prompts, outputs, strict=True)):
        pieces = None if traffic.pieces is None else traffic.pieces[at]
        blocks = ids.of_tokens(prompt) if pieces is None else ids.of_pieces(pieces)
        stamp = round(time_ns * per_second / NS_PER_S, decimals)
        row = {
            "timestamp": stamp if decimals else int(stamp),
            "input_length": prompt,
            "output_length": output,
            "hash_ids": blocks,
        }
        yield json.dumps(row) + "\n"
