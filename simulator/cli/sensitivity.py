"""``simulator sensitivity``: which input decides a figure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def sensitivity(
    scenario: Annotated[str, typer.Argument(help="Path of a YAML file, or name of a shipped scenario.")],
    range_: Annotated[
        list[str] | None,
        typer.Option("--range", metavar="KEY=LOW,HIGH", help="An input and its range; several may be given."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Replace a value of the scenario at all points."),
    ] = None,
    of: Annotated[
        str, typer.Option(help="Figure of the summary that is looked at.")
    ] = "cost_per_million_output_tokens_usd",
    method: Annotated[
        str, typer.Option(help="tornado: one input at a time; sobol: shares of variance.")
    ] = "tornado",
    samples: Annotated[
        int, typer.Option(help="Base samples of sobol, times (inputs + 2) simulations.", min=2)
    ] = 32,
    seed: Annotated[int | None, typer.Option(help="Seed instead of the scenario's.", min=0)] = None,
    out: Annotated[Path | None, typer.Option(help="Folder that keeps finished simulations.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Simulations at once; default: one a core.", min=1)] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the figures as JSON, nothing else.")] = False,
) -> None:
    """Say which input decides a figure: a tornado, or Sobol indices."""
    from simulator.cli.counting import Counting
    from simulator.cli.output import check_writable
    from simulator.errors import InputError
    from simulator.planning.sensitivity.question import Question
    from simulator.planning.sensitivity.sobol import sobol
    from simulator.planning.sensitivity.tables import sobol_table, tornado_table
    from simulator.planning.sensitivity.tornado import tornado
    from simulator.planning.sweep.axes import Axis, check_axes
    from simulator.planning.sweep.ranges import parse_range
    from simulator.scenario.loading import load_scenario
    from simulator.scenario.overrides import parse_assignment

    ranges = [parse_range(text) for text in range_ or ()]
    if not ranges:
        raise InputError("sensitivity needs --range KEY=LOW,HIGH", file=scenario)
    if method not in ("tornado", "sobol"):
        raise InputError(f"unknown method {method!r}; known are tornado and sobol", file="--method")
    fixed = tuple(parse_assignment(text) for text in set_ or ())
    check_axes(scenario, [Axis(key, (value,)) for key, value in fixed] + [one.as_axis() for one in ranges])
    middle = {**dict(fixed), **{one.key: one.at(0.5) for one in ranges}}
    first = load_scenario(scenario, middle).seed if seed is None else seed
    question = Question(scenario, tuple(ranges), of, first, fixed)
    folder = out or Path(f"sensitivity-{Path(scenario).stem}")
    check_writable(folder)
    question.check_figure()
    with Counting("points") as progress:
        if method == "tornado":
            swings = tornado(question, folder, jobs=jobs, progress=progress)
            table, figures = tornado_table(swings, of), [one.to_dict() for one in swings]
        else:
            indices = sobol(question, samples, folder, jobs=jobs, progress=progress)
            table, figures = sobol_table(indices, of), [one.to_dict() for one in indices]
    _print({"figure": of, "method": method, "inputs": figures}, table, json_)


def _print(figures: dict[str, Any], table: Any, json_: bool) -> None:
    from simulator.results.files import as_json

    if json_:
        typer.echo(as_json(figures), nl=False)
        return
    from rich.console import Console

    from simulator.reporting.screen import print_tables

    print_tables([table], Console())
