"""``simulator report``: a saved result once more."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder written by `simulator run --out DIR`.")
    ],
    json_: Annotated[bool, typer.Option("--json", help="Print the summary as JSON, write nothing.")] = False,
) -> None:
    """Render a saved result again: the tables on the screen, and DIR/report.html."""
    from simulator.results.files import as_json, read_result

    result = read_result(folder)
    if json_:
        typer.echo(as_json(result.to_dict()), nl=False)
        return
    from rich.console import Console

    from simulator.reporting.html import write_report
    from simulator.reporting.screen import print_summary

    partial = folder / ".report.html.partial"
    try:
        write_report(result, partial)
        partial.replace(folder / "report.html")
    finally:
        partial.unlink(missing_ok=True)
    print_summary(result, Console())
    typer.echo(f"Report: {folder / 'report.html'}")
