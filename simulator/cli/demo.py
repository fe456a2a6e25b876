"""``simulator demo``: a real run predicted, and one real workload on four kinds of machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option(help="Folder for report.html.")] = Path("out/demo"),
) -> None:
    """Predict a measured run, serve one workload on four kinds of machine, write a report."""
    from rich.console import Console

    from simulator.cli.output import check_writable
    from simulator.cli.progress import Progress
    from simulator.reporting.html import FILE, write_comparisons
    from simulator.reporting.screen import print_comparison
    from simulator.simulation.demo import machines, real_run

    check_writable(out)
    console = Console()
    with Progress() as progress:
        comparisons = [real_run(), machines(progress)]
    for comparison in comparisons:
        print_comparison(comparison, console)
    report, partial = out / FILE, out / f".{FILE}.partial"
    try:
        write_comparisons(
            partial,
            "What the simulator does",
            comparisons,
            "How near is a prediction to a real run, and what does one chat service cost on four machines?",
        )
        partial.replace(report)
    finally:
        partial.unlink(missing_ok=True)
    typer.echo(f"Report: {report}")
