"""Tables that fit a width without breaking words: columns narrow to the longest word, the rest goes below."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from simulator.reporting.table import Table

#: Columns of the screen that a table takes beside its texts: for each column, and once [columns].
GAP, EDGES = 2, 2
#: What stays on one line: a word, or a number with its unit.
WORD = re.compile(r"\S*\d [^\s\d]{1,3}(?!\S)|\S+")


def fitted(table: Table, width: int) -> list[tuple[Table, list[int]]]:
    """The table, cut into as few tables of the same rows as fit ``width``, each with its columns' widths.

    Every piece starts with the labels. A column that does not fit on its own keeps the width of its longest
    word.
    """
    cells = list(zip(table.header, *table.rows, strict=True))
    least = [_longest_word(column) for column in cells]
    pieces: list[list[int]] = [[]]
    for at in range(1, len(cells)):
        if pieces[-1] and _total([least[0], *(least[one] for one in (*pieces[-1], at))]) > width:
            pieces.append([])
        pieces[-1].append(at)
    return [_piece(table, cells, [0, *piece], least, width, last=piece is pieces[-1]) for piece in pieces]


def _piece(
    table: Table,
    cells: Sequence[Sequence[str]],
    chosen: list[int],
    least: list[int],
    width: int,
    *,
    last: bool,
) -> tuple[Table, list[int]]:
    part = replace(
        table,
        title=table.title if chosen[1:2] in ([], [1]) else "",
        header=tuple(table.header[at] for at in chosen),
        rows=tuple(tuple(row[at] for at in chosen) for row in table.rows),
        note=table.note if last else "",
    )
    return part, _widths([least[at] for at in chosen], [_longest_line(cells[at]) for at in chosen], width)


def _widths(least: list[int], natural: list[int], width: int) -> list[int]:
    """Widths between the longest word and the longest line: labels have room first, values share the rest."""
    room = max(width - _total(least), 0)
    label = min(natural[0] - least[0], room)
    missing = [most - low for low, most in zip(least[1:], natural[1:], strict=True)]
    left = min(room - label, sum(missing))
    shared = [left * more // max(sum(missing), 1) for more in missing]
    return [low + more for low, more in zip(least, [label, *shared], strict=True)]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * len(widths) + EDGES


def _longest_word(texts: Sequence[str]) -> int:
    return max((len(word) for text in texts for word in WORD.findall(text)), default=1)


def _longest_line(texts: Sequence[str]) -> int:
    return max((len(line) for text in texts for line in text.splitlines()), default=1)
