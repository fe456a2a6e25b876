"""The summary of a run as tables on the terminal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from simulator.reporting import sections
from simulator.reporting.comparison import Comparison, comparison_table
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
    name = str if console.width >= FULL_NAMES else _abbreviation
    tables = [_rich_table(table, name) for table in sections.tables_of(result)]
    if console.width >= WIDE:
        latency, *others, pools = tables
        console.print(latency)
        console.print(Columns(others))
        console.print(pools)
    else:
        for table in tables:
            console.print(table)
    for message in result.summary.messages:
        console.print(Padding(Text.assemble(("! ", "bold yellow"), message), (0, 0, 0, 1)))
    for line in sections.provenance(result):
        console.print(Padding(Text(line, style="dim"), (0, 0, 0, 1)))


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Prints results side by side, with each deviation from what was measured where there is that."""
    console.print()
    if len(comparison.results) <= MOST_COLUMNS or not comparison.tables:
        console.print(_rich_table(comparison_table(comparison), str))
    print_tables(comparison.tables, console)


def print_tables(tables: Iterable[Table], console: Console) -> None:
    """Prints tables one below the other."""
    for table in tables:
        console.print(_rich_table(table, str))


def print_table(table: Table, console: Console) -> None:
    """Prints one table."""
    console.print(_rich_table(table, str))


def _rich_table(content: Table, name: Callable[[str], str]) -> RichTable:
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
        table.add_column(Text(title), justify="left" if index == 0 else "right", overflow="fold")
    for label, *values in content.rows:
        table.add_row(Text(name(label)), *(Text(value) for value in values))
    return table


def _abbreviation(label: str) -> str:
    """ "TTFT" of "Time to first token (TTFT)"; a label without abbreviation as it is."""
    short = re.search(r"\(([A-Z][A-Z0-9]+)\)$", label)
    return short.group(1) if short else label
