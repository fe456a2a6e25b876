"""``simulator frontier``: what accuracy costs, over models, strategies and hardware."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from simulator.planning.frontier.weigh import Frontier
    from simulator.scenario.frontier import FrontierSpec
    from simulator.scenario.scenario import Scenario


def frontier(
    scenario: Annotated[str, typer.Argument(help="Path of a YAML file, or name of a shipped scenario.")],
    target: Annotated[
        float | None, typer.Option(help="Accuracy that is wanted, as a share: 0.8.", min=0.0, max=1.0)
    ] = None,
    budget: Annotated[float | None, typer.Option(help="Most that a task may cost [USD].", min=0.0)] = None,
    models: Annotated[str | None, typer.Option(help="Model cards: a,b,c.")] = None,
    hardware: Annotated[str | None, typer.Option(help="Hardware profiles: a,b,c.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed instead of the scenario's.", min=0)] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Replace a value.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for frontier.json and report.html.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Processes at once; default: one per core.", min=1)] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the figures as JSON, nothing else.")] = False,
) -> None:
    """Quality against cost, latency and energy; the cheapest design that reaches a target accuracy."""
    from simulator.cli.asked import scenario_asked
    from simulator.cli.counting import Counting
    from simulator.cli.output import check_writable
    from simulator.planning.frontier.designs import designs_of
    from simulator.planning.frontier.weigh import weigh

    asked = scenario_asked(scenario, set_, seed)
    if out is not None:
        check_writable(out)
    wanted = _wanted(asked, target, budget, models, hardware)
    designs = designs_of(asked, wanted)
    with Counting("designs") as progress:
        found = weigh(designs, target=wanted.target, budget=wanted.budget, jobs=jobs, progress=progress)
    _write(found, asked.name, out, json_)
    if wanted.target is not None and found.cheapest is None:
        raise typer.Exit(1)


def _wanted(
    scenario: Scenario, target: float | None, budget: float | None, models: str | None, hardware: str | None
) -> FrontierSpec:
    """The scenario's own wishes, with those of the command line in their places."""
    from simulator.scenario.frontier import FrontierSpec
    from simulator.units.explain import validate

    given = scenario.frontier or FrontierSpec()
    changes = {
        "target": target,
        "budget": budget,
        "models": _names(models),
        "hardware": _names(hardware),
    }
    values = given.model_dump(exclude_unset=True)
    values.update({key: value for key, value in changes.items() if value is not None})
    return validate(FrontierSpec, values)


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def _write(found: Frontier, name: str, out: Path | None, json_: bool) -> None:
    from simulator.planning.frontier.tables import answer, figures_of, front_tables, tables_of
    from simulator.results.files import as_json

    if out is not None:
        from simulator.cli.output import write_text
        from simulator.reporting.html import write_page

        out.mkdir(parents=True, exist_ok=True)
        write_text(out / "frontier.json", as_json(found.to_dict()))
        write_page(out, f"Frontier: {name}", tables_of(found), figures_of(found), answer(found))
    if json_:
        typer.echo(as_json(found.to_dict()), nl=False)
        return
    from rich.console import Console

    from simulator.reporting.screen import print_table

    console = Console()
    for table in front_tables(found):
        print_table(table, console)
    console.print(answer(found))
    if out is not None:
        typer.echo(f"Report: {out / 'report.html'}")
