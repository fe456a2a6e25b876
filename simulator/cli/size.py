"""``simulator size``: the fewest units, or the cheapest design, that meet the objectives."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from simulator.planning.size.answer import SizeAnswer
    from simulator.planning.size.uncertainty import Spread
    from simulator.reporting.table import Table
    from simulator.scenario.compare import EntrantSpec
    from simulator.scenario.scenario import Scenario


def size(
    scenario: Annotated[str, typer.Argument(help="Path of a YAML file, or name of a shipped scenario.")],
    hardware: Annotated[
        str | None, typer.Option(help="Choose among these instead of what the scenario lists: h100,l4,groq.")
    ] = None,
    find: Annotated[
        str, typer.Option(help="units; rate: the highest that the cluster holds; slo: what --budget buys.")
    ] = "units",
    budget: Annotated[
        str | None, typer.Option(help='What may be spent, e.g. "30 USD/hour", for --find slo.')
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed instead of the scenario's.", min=0)] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Replace a value of the scenario.")
    ] = None,
    uncertain: Annotated[
        bool, typer.Option("--uncertain", help="Propagate errors of backend, traffic and prices.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for size.json, and of a design design.yaml and the hand-over."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(help="Simulations at once; default: one per core.", min=1)
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the answer as JSON, nothing else.")] = False,
) -> None:
    """Find the fewest units, or the cheapest design, that meet the objectives; exit with 1 where none do."""
    from simulator.cli.asked import scenario_asked
    from simulator.cli.counting import Counting
    from simulator.cli.output import check_writable
    from simulator.planning.load import rate_of
    from simulator.planning.size.size import size as run_size
    from simulator.planning.size.uncertainty import spread_of

    _check_question(find, budget, hardware, uncertain)
    asked = scenario_asked(scenario, set_, seed)
    if out is not None:
        check_writable(out)
    if find == "rate":
        _answer_inverse(*_highest_rate(asked, jobs), out, json_)
        return
    if budget is not None:
        _answer_inverse(*_within_budget(asked, budget, hardware, jobs), out, json_)
        return
    if uncertain:
        rate_of(asked)  # what has none is refused now, not when the search is over
    with Counting("hardware") as progress:
        answer = run_size(asked, _entrants(asked, hardware), jobs=jobs, progress=progress)
    spreads: list[Spread] = []
    if uncertain:
        with Counting("draws") as progress:
            spreads = spread_of(answer, jobs=jobs, progress=progress)
    _show(answer, spreads, out, json_)
    if answer.best is None:
        raise typer.Exit(1)


def _check_question(find: str, budget: str | None, hardware: str | None, uncertain: bool) -> None:
    """Refuse a question that is none, and options that another question than the one asked takes."""
    from simulator.errors import InputError

    if find not in ("units", "rate", "slo"):
        raise InputError(f"found --find {find!r}; allowed are units, rate, and slo with --budget")
    if find == "slo" and budget is None:
        raise InputError('--find slo needs a budget, e.g. --budget "30 USD/hour"')
    if find == "rate":
        asked = "--find rate, which asks what the scenario's own cluster holds"
        idle = {"--budget": budget is not None, "--hardware": hardware is not None, "--uncertain": uncertain}
    elif budget is not None:
        asked = "--budget, which asks what so much money buys"
        idle = {"--uncertain": uncertain}
    else:
        return
    for option, given in idle.items():
        if given:
            raise InputError(f"has no effect beside {asked}: leave one of them out", file=option)


def _highest_rate(asked: Scenario, jobs: int | None) -> tuple[dict[str, Any], Table]:
    """The highest rate of the scenario's own cluster: figures, and a table of them."""
    from simulator.planning.size.highest_rate import highest_rate
    from simulator.planning.size.inverse_tables import rate_table

    found = highest_rate(asked, jobs=jobs)
    return {"scenario": asked.name, **found.to_dict()}, rate_table(found)


def _within_budget(
    asked: Scenario, budget: str, hardware: str | None, jobs: int | None
) -> tuple[dict[str, Any], Table]:
    """What a budget buys: figures, and a table of them."""
    from simulator.cli.counting import Counting
    from simulator.errors import InputError
    from simulator.planning.size.inverse_tables import bought_table
    from simulator.planning.size.within_budget import within_budget
    from simulator.units.quantity import parse_quantity

    try:
        usd = parse_quantity(budget, "USD/hour")
    except ValueError as error:
        raise InputError(str(error), file="--budget") from None
    if usd <= 0:
        raise InputError(f"found {budget!r}, expected more than nothing", file="--budget")
    with Counting("clusters") as progress:
        bought = within_budget(asked, usd, _entrants(asked, hardware), jobs=jobs, progress=progress)
    solved = any(one.reason is None for one in bought)
    figures = {"scenario": asked.name, "budget_usd_per_hour": usd, "solved": solved}
    return {**figures, "bought": [one.to_dict() for one in bought]}, bought_table(bought)


def _answer_inverse(figures: dict[str, Any], table: Table, out: Path | None, json_: bool) -> None:
    """Write and print what an inverse question was answered with; exit with 1 where there is nothing."""
    from simulator.cli.output import write_text
    from simulator.results.files import as_json

    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_text(out / "size.json", as_json(figures))
    _print_inverse(figures, table, json_)
    if not figures["solved"]:
        raise typer.Exit(1)


def _print_inverse(figures: dict[str, Any], table: Table, json_: bool) -> None:
    from simulator.results.files import as_json

    if json_:
        typer.echo(as_json(figures), nl=False)
        return
    from rich.console import Console

    from simulator.reporting.screen import print_tables

    print_tables([table], Console())


def _entrants(asked: Scenario, hardware: str | None) -> list[EntrantSpec]:
    """Hardware of these names, with what the scenario says about it."""
    from simulator.cli.asked import given_as
    from simulator.planning.entrant_names import chosen

    names = [name.strip() for name in (hardware or "").split(",") if name.strip()]
    listed = () if asked.size is None else asked.size.hardware
    beside = () if asked.compare is None else asked.compare.hardware
    with given_as("--hardware"):
        return chosen(names, listed, beside)


def _show(answer: SizeAnswer, spreads: list[Spread], out: Path | None, json_: bool) -> None:
    from simulator.planning.operations.handover import handover_of
    from simulator.results.files import as_json

    figures = {
        **answer.to_dict(),
        "uncertainty": [one.to_dict() for one in spreads] or None,
        "handover": None if answer.best is None else handover_of(answer.best),
    }
    if out is not None:
        _save(answer, figures, out)
    if json_:
        typer.echo(as_json(figures), nl=False)
        return
    from rich.console import Console

    from simulator.planning.size.tables import headline, spread_table, tables_of
    from simulator.reporting.screen import print_tables

    console = Console()
    console.print()
    console.print(headline(answer), style="bold", highlight=False, markup=False)
    print_tables([*tables_of(answer), *([spread_table(spreads)] if spreads else [])], console)
    console.print(
        f"{answer.simulations} simulations of {answer.requests:,} requests in all.", highlight=False
    )


def _save(answer: SizeAnswer, figures: dict[str, Any], out: Path) -> None:
    import yaml

    from simulator.cli.output import write_text
    from simulator.planning.operations.handover import handover_files
    from simulator.planning.size.answer import scenario_of
    from simulator.results.files import as_json

    out.mkdir(parents=True, exist_ok=True)
    write_text(out / "size.json", as_json(figures))
    if answer.best is not None:
        design = scenario_of(answer.best.scenario)
        write_text(out / "design.yaml", yaml.safe_dump(design, sort_keys=False, allow_unicode=True))
        for name, text in handover_files(answer.best).items():
            write_text(out / name, text)
