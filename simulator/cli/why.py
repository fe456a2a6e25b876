"""``simulator why``: where the time goes, what is left, and what to change next."""

from __future__ import annotations

from typing import Annotated

import typer


def why(
    scenario: Annotated[str, typer.Argument(help="Path of a YAML file, or name of a shipped scenario.")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Replace a value of the scenario.")
    ] = None,
    changes: Annotated[
        bool, typer.Option("--changes/--no-changes", help="Also rank single changes of the design.")
    ] = True,
    jobs: Annotated[int | None, typer.Option(help="Simulations at once; default: one a core.", min=1)] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the reasons as JSON, nothing else.")] = False,
) -> None:
    """Say where the time of requests goes, how much headroom is left, and which change saves most."""
    from simulator.cli.asked import scenario_asked
    from simulator.cli.counting import Counting
    from simulator.planning.why.answer import reasons_of
    from simulator.planning.why.changes import why_not_ranked
    from simulator.results.files import as_json

    asked = scenario_asked(scenario, set_)
    not_ranked = why_not_ranked(asked)
    with Counting("changes") as progress:
        reasons = reasons_of(asked, with_changes=changes and not_ranked is None, jobs=jobs, progress=progress)
    if json_:
        typer.echo(as_json(reasons.to_dict()), nl=False)
        return
    from rich.console import Console

    from simulator.reporting.screen import print_tables

    print_tables(reasons.tables(), Console())
    if changes and not_ranked is not None:
        typer.echo(f"No changes are ranked: {not_ranked}.")
