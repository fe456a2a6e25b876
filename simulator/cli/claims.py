"""``simulator claims``: claims on test-time compute and inference optimisation, simulated."""

from __future__ import annotations

from typing import Annotated

import typer


def claims(
    names: Annotated[
        list[str] | None, typer.Argument(help="Numbers of claims, e.g. C08; default: all.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print findings as JSON, nothing else.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the page docs/claims.md.")] = False,
    jobs: Annotated[int | None, typer.Option(help="Processes at once; default: one per core.", min=1)] = None,
) -> None:
    """Each claim with a simulated figure, independent evidence and a verdict; exit code 0 when all ran."""
    from simulator.cli.counting import Counting
    from simulator.planning.claims.claim import claims_named
    from simulator.planning.claims.document import facts_table, findings_table, markdown_of
    from simulator.planning.claims.run import run_claims
    from simulator.results.files import as_json

    asked = claims_named(names)
    with Counting("claims") as progress:
        findings = run_claims(asked, jobs=jobs, progress=progress)
    if json_:
        typer.echo(as_json([one.to_dict() for one in findings]), nl=False)
    elif markdown:
        typer.echo(markdown_of(findings), nl=False)
    else:
        from rich.console import Console

        from simulator.reporting.screen import print_table

        console = Console()
        for one in findings:
            print_table(facts_table(one), console)
        print_table(findings_table(findings), console)
    if not all(one.ran for one in findings):
        raise typer.Exit(1)
