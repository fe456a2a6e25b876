"""``simulator search``: the best design of a space too large for a grid."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def search(
    scenario: Annotated[str, typer.Argument(help="Path of a YAML file, or name of a shipped scenario.")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=V1,V2,...", help="A key and its values.")
    ] = None,
    range_: Annotated[
        list[str] | None,
        typer.Option("--range", metavar="KEY=LOW,HIGH", help="A key and the range of its number."),
    ] = None,
    minimise: Annotated[
        str, typer.Option(help="Figure of the summary to make small (large where more is better).")
    ] = "cost_per_million_output_tokens_usd",
    trials: Annotated[int, typer.Option(help="Designs to simulate.", min=1)] = 50,
    seed: Annotated[int | None, typer.Option(help="Seed instead of the scenario's.", min=0)] = None,
    out: Annotated[Path | None, typer.Option(help="Folder that keeps finished simulations.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Simulations at once; default: one a core.", min=1)] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the designs as JSON, nothing else.")] = False,
) -> None:
    """Search a large design space with Optuna; exit with 1 where no design meets its objectives."""
    from simulator.cli.counting import Counting
    from simulator.cli.output import check_writable
    from simulator.errors import InputError
    from simulator.planning.search.search import search as run_search
    from simulator.planning.sweep.axes import check_axes, parse_axis
    from simulator.planning.sweep.pareto import goal_of
    from simulator.planning.sweep.ranges import parse_range
    from simulator.results.files import as_json
    from simulator.scenario.loading import load_scenario

    axes = [parse_axis(text) for text in set_ or ()]
    ranges = [parse_range(text) for text in range_ or ()]
    if not axes and not ranges:
        raise InputError("search needs --set KEY=V1,V2 or --range KEY=LOW,HIGH", file=scenario)
    check_axes(scenario, [*axes, *(one.as_axis() for one in ranges)])
    first = seed
    if first is None:
        middle = {one.key: one.at(0.5) for one in ranges}
        first = load_scenario(scenario, {**{axis.key: axis.values[0] for axis in axes}, **middle}).seed
    folder = out or Path(f"search-{Path(scenario).stem}")
    check_writable(folder)
    with Counting("designs") as progress:
        found = run_search(
            scenario, axes, ranges, goal_of(minimise), trials, first, folder, jobs=jobs, progress=progress
        )
    if json_:
        typer.echo(as_json(found.to_dict()), nl=False)
    elif found.best is not None:
        for key, value in found.best.settings.items():
            typer.echo(f"{key}={value}")
        typer.echo(f"{minimise}: {found.best.figures[minimise]:.6g}")
    else:
        typer.echo("No design that was tried meets its objectives.")
    if found.best is None:
        raise typer.Exit(1)
