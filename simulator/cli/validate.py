"""``simulator validate``: measured runs, operating points and public figures, simulated and set beside."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

#: Public figures among the measured data that lie beside the project on some machines.
FACTS = Path("../shared/facts/measured.yaml")


@dataclass(frozen=True, slots=True)
class _Asked:
    runs: list[Path]
    points: list[Path]
    facts: list[Path]

    @property
    def anything(self) -> bool:
        return bool(self.runs or self.points or self.facts)


def validate(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="RUN|FILE",
            help="Measured runs (folders with run.yaml), folders of such; after --points or --facts also more"
            " of their files.",
        ),
    ] = None,
    points: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Table of operating points (CSV); several may follow."),
    ] = None,
    facts: Annotated[
        bool,
        typer.Option(
            "--facts",
            help="Public figures of other hardware (YAML); without a file measured.yaml beside the measured"
            " data.",
        ),
    ] = False,
    json_: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write predicted and measured as JSON.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for report.html, predicted against measured.")
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Show the medians of runs only, and exit with 1 where one is beyond its bound."
        ),
    ] = False,
) -> None:
    """Simulate what was measured, and print predicted, measured and error.

    Nothing is fitted to what it is compared with: runs that constants were fitted to are predicted with
    those that were fitted without them.
    """
    from simulator.cli.output import check_writable, write_text
    from simulator.cli.validation_output import Findings
    from simulator.errors import InputError
    from simulator.results.files import as_json

    asked = _sort(paths or [], points or [], facts)
    if not asked.anything:
        raise InputError("validate needs a measured run, --points FILE or --facts")
    for folder in (report, json_.parent if json_ is not None else None):
        if folder is not None:
            check_writable(folder)
    findings = Findings(summary_only=check)
    if asked.runs:
        findings.add_runs(asked.runs)
    if asked.points:
        findings.add_points(asked.points)
    for file in asked.facts:
        findings.add_facts(file)
    if json_ is not None:
        json_.parent.mkdir(parents=True, exist_ok=True)
        write_text(json_, as_json(findings.rows))
    if report is not None:
        from simulator.reporting.html import write_page

        report.mkdir(parents=True, exist_ok=True)
        written = write_page(report, "Predicted against measured", findings.tables, findings.figures)
        typer.echo(f"report: {written}")
    if not findings.within_bounds:
        raise typer.Exit(1)


def _sort(paths: list[Path], points: list[Path], facts: bool) -> _Asked:
    """What each path is: YAML files are public figures after --facts, tables points after --points."""
    figures = [path for path in paths if facts and path.suffix in (".yaml", ".yml")]
    tables = [path for path in paths if points and not path.is_dir() and path not in figures]
    runs = [path for path in paths if path not in figures and path not in tables]
    return _Asked(runs, points + tables, figures or ([_beside()] if facts else []))


def _beside() -> Path:
    """The figures that ``--facts`` means where it names no file."""
    from simulator.errors import InputError

    if not FACTS.is_file():
        raise InputError(
            "--facts needs a file of public figures (.yaml), for there is no measured data beside the project"
        )
    return FACTS
