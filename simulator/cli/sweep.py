"""``simulator sweep``: a grid over any keys of a scenario."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

if TYPE_CHECKING:
    from simulator.planning.sweep.outcome import Outcome
    from simulator.planning.sweep.point import Point


def sweep(
    scenario: Annotated[str, typer.Argument(help="Path of a YAML file, or name of a shipped scenario.")],
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=V1,V2,...", help="A key and its values (also 1..8); several make a grid."
        ),
    ] = None,
    points: Annotated[
        Path | None,
        typer.Option(
            help="CSV (keys in the first line) or YAML list of points, instead of or beside a grid."
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Run every point under this many seeds.", min=1)] = 1,
    seed: Annotated[int | None, typer.Option(help="First seed instead of the scenario's.", min=0)] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the sweep; a sweep that was killed goes on there. Default: sweep-NAME."),
    ] = None,
    pareto: Annotated[
        str | None, typer.Option(help="Figures of the Pareto front: cost_per_hour_usd,p99_ttft_ms.")
    ] = None,
    backend: Annotated[
        str, typer.Option(help="processes of this machine, or ray: a Ray cluster.")
    ] = "processes",
    jobs: Annotated[
        int | None, typer.Option(help="Simulations at once; default: one per core.", min=1)
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the designs as JSON, nothing else.")] = False,
) -> None:
    """Simulate a scenario at every point of a grid; resumable, with intervals and the Pareto front."""
    from simulator.cli.counting import Counting
    from simulator.cli.output import check_writable, write_text
    from simulator.errors import InputError
    from simulator.planning.sweep.outcome import outcome_of
    from simulator.planning.sweep.sweep import sweep as run_sweep
    from simulator.planning.sweep.table import write_table
    from simulator.results.files import as_json

    if backend not in ("processes", "ray"):
        raise InputError(f"unknown backend {backend!r}; known are processes and ray", file="--backend")
    asked = _points(scenario, set_ or [], points, seeds, seed)
    folder = out or Path(f"sweep-{Path(scenario).stem}")
    check_writable(folder)
    with Counting("points") as progress:
        records = run_sweep(
            scenario,
            asked,
            folder,
            jobs=jobs,
            backend=cast(Literal["processes", "ray"], backend),
            progress=progress,
        )
    outcome = outcome_of(records, pareto)
    written = write_table(records, folder)
    write_text(folder / "sweep.json", as_json(outcome.to_dict()))
    if json_:
        typer.echo(as_json({"folder": str(folder), **outcome.to_dict()}), nl=False)
        return
    _print(outcome)
    typer.echo(f"Table: {written[-1]}")


def _points(scenario: str, sets: list[str], file: Path | None, seeds: int, seed: int | None) -> list[Point]:
    from simulator.errors import InputError
    from simulator.planning.sweep.axes import check_axes, grid, parse_axis, read_points
    from simulator.scenario.loading import load_scenario

    axes = [parse_axis(text) for text in sets]
    listed = [{}] if file is None else read_points(file)
    if not axes and file is None and seeds == 1:
        raise InputError("a sweep needs --set KEY=V1,V2, --points FILE or --seeds N", file=scenario)
    check_axes(scenario, axes, listed)
    first = seed
    if first is None:
        first = load_scenario(scenario, {**listed[0], **{axis.key: axis.values[0] for axis in axes}}).seed
    return list(grid(axes, listed, range(first, first + seeds)))


def _print(outcome: Outcome) -> None:
    from rich.console import Console

    from simulator.reporting.screen import print_tables

    print_tables(outcome.tables(), Console())
