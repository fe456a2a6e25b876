"""``simulator run``: one simulation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from simulator.results.result import Result


def run(
    scenario: Annotated[str, typer.Argument(help="Path of a YAML file, or name of a shipped scenario.")],
    seed: Annotated[int | None, typer.Option(help="Seed instead of the scenario's.", min=0)] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for summary.json, tables, report.html and timeline.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Replace a value, e.g. cluster.pools[0].replicas=8."),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the summary as JSON, nothing else.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 1 where the objectives are missed.")
    ] = False,
) -> None:
    """Simulate a scenario and print what it costs in time, money and energy."""
    import simulator
    from simulator.cli.asked import scenario_asked
    from simulator.cli.output import check_writable
    from simulator.cli.progress import Progress
    from simulator.errors import InputError

    asked = scenario_asked(scenario, set_, seed)
    if check and not asked.has_objectives:
        raise InputError("--check needs objectives, e.g. slo: {ttft: 500 ms}", file=scenario, key="slo")
    if out is not None:
        check_writable(out)
    with Progress() as progress:
        result = simulator.run(asked, progress=progress)
    if out is not None:
        _save(result, out)
    _print(result, out, json_)
    if check and not result.summary.attainment.met:
        raise typer.Exit(1)


def _print(result: Result, out: Path | None, json_: bool) -> None:
    if json_:
        from simulator.results.files import as_json

        typer.echo(as_json(result.to_dict()), nl=False)
        return
    from rich.console import Console

    from simulator.reporting.screen import print_summary

    print_summary(result, Console())
    if out is not None:
        typer.echo(f"Report: {out / 'report.html'}")


def _save(result: Result, out: Path) -> None:
    """All files of a result; they appear together or not at all."""
    from simulator.reporting.html import write_report
    from simulator.reporting.timeline import write_timeline
    from simulator.results.files import write_result

    write_result(result, out, also=[write_report, write_timeline])
