"""Tables keep their words whole at any width."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from simulator.reporting.fitting import fitted
from simulator.reporting.screen import print_table
from simulator.reporting.table import Table

TABLE = Table(
    "At equal service level",
    ("", "chips", "cost per hour", "p99 TTFT", "CO2e per 1,000 requests", "draw of the site"),
    (
        ("nvidia-h100-sxm", "8", "$23.60", "539 ms", "unknown", "chips \u2264 144 kW"),
        ("cerebras-wse3", "4", "unknown", "41.1 ms", "unknown", "9.17 kW"),
    ),
    "a note",
)


def printed(width: int) -> str:
    out = io.StringIO()
    print_table(TABLE, Console(file=out, width=width))
    return out.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_words_and_numbers_with_their_units_stay_whole(width):
    lines = printed(width).splitlines()
    text = " ".join(" ".join(lines).split())
    for word in ("nvidia-h100-sxm", "cerebras-wse3", "unknown", "539 ms", "41.1 ms", "144 kW", "requests"):
        assert word in text
    assert max(len(line) for line in lines) <= width


def test_every_column_stands_in_one_piece_beside_the_labels():
    pieces = [piece for piece, _ in fitted(TABLE, 40)]
    assert len(pieces) > 1
    assert [title for piece in pieces for title in piece.header[1:]] == list(TABLE.header[1:])
    assert all([row[0] for row in piece.rows] == [row[0] for row in TABLE.rows] for piece in pieces)
    assert [piece.title for piece in pieces] == [TABLE.title] + [""] * (len(pieces) - 1)
    assert [piece.note for piece in pieces] == [""] * (len(pieces) - 1) + [TABLE.note]


def test_a_table_with_room_stays_as_it_is():
    ((piece, widths),) = fitted(TABLE, 200)
    assert piece == TABLE
    assert widths == [15, 5, 13, 8, 23, 16]


def test_a_table_of_labels_alone_is_no_error():
    only = Table("t", ("name",), (("one",), ("two",)))
    assert len(fitted(only, 10)) == 1
