"""``simulator size``: the fewest units, or the cheapest design, that meet the objectives."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from simulator.planning.size.answer import SizeAnswer
    from simulator.scenario.compare import EntrantSpec
    from simulator.scenario.scenario import Scenario


def size(
    scenario: Annotated[str, typer.Argument(help="Path of a YAML file, or name of a shipped scenario.")],
    hardware: Annotated[
        str | None, typer.Option(help="Choose among these instead of what the scenario lists: h100,l4,groq.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed instead of the scenario's.", min=0)] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Replace a value of the scenario.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for size.json and design.yaml.")] = None,
    jobs: Annotated[
        int | None, typer.Option(help="Simulations at once; default: one per core.", min=1)
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the answer as JSON, nothing else.")] = False,
) -> None:
    """Find the fewest units, or the cheapest design, that meet the objectives; exit with 1 where none do."""
    from simulator.cli.counting import Counting
    from simulator.cli.output import check_writable
    from simulator.planning.size.size import size as run_size
    from simulator.scenario.loading import load_scenario

    asked = load_scenario(scenario, set_ or ())
    if seed is not None:
        asked = asked.model_copy(update={"seed": seed}).located(asked.workload_dir, asked.file)
    if out is not None:
        check_writable(out)
    with Counting("hardware") as progress:
        answer = run_size(asked, _entrants(asked, hardware), jobs=jobs, progress=progress)
    _show(answer, out, json_)
    if answer.best is None:
        raise typer.Exit(1)


def _entrants(asked: Scenario, hardware: str | None) -> list[EntrantSpec]:
    """Hardware of these names, with what the scenario says about it."""
    from simulator.hardware.catalogue import load_device
    from simulator.scenario.compare import EntrantSpec

    names = [name.strip() for name in (hardware or "").split(",") if name.strip()]
    listed = [] if asked.size is None else list(asked.size.hardware)
    listed += [] if asked.compare is None else list(asked.compare.hardware)
    known = {load_device(one.hardware).id: one for one in reversed(listed)} if names else {}
    return [known.get(load_device(name).id) or EntrantSpec(hardware=name) for name in names]


def _show(answer: SizeAnswer, out: Path | None, json_: bool) -> None:
    from simulator.results.files import as_json

    if out is not None:
        _save(answer, out)
    if json_:
        typer.echo(as_json(answer.to_dict()), nl=False)
        return
    from rich.console import Console

    from simulator.planning.size.tables import headline, tables_of
    from simulator.reporting.screen import print_tables

    console = Console()
    console.print()
    console.print(headline(answer), style="bold", highlight=False, markup=False)
    print_tables(tables_of(answer), console)
    console.print(
        f"{answer.simulations} simulations of {answer.requests:,} requests in all.", highlight=False
    )


def _save(answer: SizeAnswer, out: Path) -> None:
    import yaml

    from simulator.cli.output import write_text
    from simulator.planning.size.answer import scenario_of
    from simulator.results.files import as_json

    out.mkdir(parents=True, exist_ok=True)
    write_text(out / "size.json", as_json(answer.to_dict()))
    if answer.best is not None:
        design = scenario_of(answer.best.scenario)
        write_text(out / "design.yaml", yaml.safe_dump(design, sort_keys=False, allow_unicode=True))
