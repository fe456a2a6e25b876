"""The summary of a run as tables on the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from simulator.reporting import sections
from simulator.reporting.comparison import Comparison, comparison_table
from simulator.reporting.fitting import fitted
from simulator.reporting.table import Table
from simulator.results.result import Result

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

#: Narrowest terminal on which two tables stand side by side [columns].
WIDE = 140
#: Narrowest terminal for the full names of latencies; below it their abbreviations stand alone.
FULL_NAMES = 110
#: Most results that stand in columns beside each other where there are other tables to tell them.
MOST_COLUMNS = 4


def print_summary(result: Result, console: Console) -> None:
    """Prints the question, the figures and what to know before trusting them."""
    from rich.columns import Columns
    from rich.padding import Padding
    from rich.text import Text

    console.print()
    console.print(Text(result.context.scenario, style="bold"), Text(sections.question(result)))
    for tile in sections.tiles(result)[:1]:
        style = {"good": "bold green", "bad": "bold red"}.get(tile.tone, "bold")
        console.print(Text.assemble(f"{tile.label} ", (tile.value, style), f"  {tile.detail}"))
    tables = sections.tables_of(result)
    if console.width >= WIDE:
        latency, *others, pools = tables
        print_table(latency, console)
        console.print(Columns([_rich_table(table) for table in others]))
        print_table(pools, console)
    else:
        short = console.width < FULL_NAMES
        print_tables([_abbreviated(table) for table in tables] if short else tables, console)
    for message in result.summary.messages:
        console.print(Padding(Text.assemble(("! ", "bold yellow"), message), (0, 0, 0, 1)))
    for line in sections.provenance(result):
        console.print(Padding(Text(line, style="dim"), (0, 0, 0, 1)))


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Prints results side by side, with each deviation from what was measured where there is that."""
    console.print()
    if len(comparison.results) <= MOST_COLUMNS or not comparison.tables:
        print_table(comparison_table(comparison), console)
    print_tables(comparison.tables, console)


def print_tables(tables: Iterable[Table], console: Console) -> None:
    """Prints tables one below the other."""
    for table in tables:
        print_table(table, console)


def print_table(table: Table, console: Console) -> None:
    """Prints one table; one that is too wide for whole words goes on below with the columns left."""
    for piece, widths in fitted(table, console.width):
        console.print(_rich_table(piece, widths))


def _rich_table(content: Table, widths: Sequence[int] | None = None) -> RichTable:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    has_header = any(content.header)
    table = RichTable(
        title=content.title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_header=has_header,
        caption=Text(content.note) if content.note else None,
        caption_justify="left",
        collapse_padding=True,
        pad_edge=False,
    )
    for index, title in enumerate(content.header):
        # Text, not str: square brackets in names are not markup.
        table.add_column(
            Text(title),
            justify="left" if index == 0 else "right",
            overflow="fold",
            width=None if widths is None else widths[index],
        )
    for row in content.rows:
        table.add_row(*(Text(value) for value in row))
    return table


def _abbreviated(table: Table) -> Table:
    return replace(table, rows=tuple((_abbreviation(label), *values) for label, *values in table.rows))


def _abbreviation(label: str) -> str:
    """ "TTFT" of "Time to first token (TTFT)"; a label without abbreviation as it is."""
    short = re.search(r"\(([A-Z][A-Z0-9]+)\)$", label)
    return short.group(1) if short else label
