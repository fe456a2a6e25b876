"""``simulator compare``: the same traffic on several designs, or one scenario on several devices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from simulator.planning.compare_hardware import Contender
    from simulator.planning.crossover import CheapestSpan
    from simulator.reporting.comparison import Comparison
    from simulator.results.result import Result
    from simulator.scenario.compare import EntrantSpec
    from simulator.scenario.scenario import Scenario


def compare(
    scenarios: Annotated[
        list[str], typer.Argument(help="Paths of YAML files, or names of shipped scenarios.")
    ],
    hardware: Annotated[
        str | None,
        typer.Option(help="Try one scenario on these, at equal service level: h100,groq,wse3."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed instead of the scenarios'.", min=0)] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Replace a value in every scenario."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for comparison.json and report.html.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Processes at once; default: one per core.", min=1)] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the figures as JSON, nothing else.")] = False,
) -> None:
    """Compare designs under the same traffic, or hardware for one scenario at equal service level."""
    from simulator.cli.asked import scenario_asked
    from simulator.cli.output import check_writable
    from simulator.errors import InputError

    asked = [scenario_asked(name, set_, seed) for name in scenarios]
    if out is not None:
        check_writable(out)
    entrants = _entrants(hardware, asked)
    if not entrants and len(asked) < 2:
        raise InputError(
            "compare needs two scenarios, or one and --hardware, or one with compare: {hardware: [...]}",
            file=scenarios[0],
        )
    if entrants:
        comparison, figures = _hardware(asked[0], entrants, jobs)
    else:
        comparison, figures = _designs(asked, jobs)
    _write(comparison, figures, out, json_)


def _entrants(hardware: str | None, asked: list[Scenario]) -> list[EntrantSpec]:
    """Hardware to try one scenario on; none where scenarios are compared."""
    from simulator.cli.asked import given_as
    from simulator.errors import InputError
    from simulator.planning.compare_hardware import entrants_of

    if hardware is not None and len(asked) > 1:
        raise InputError("--hardware takes one scenario")
    names = [name.strip() for name in (hardware or "").split(",") if name.strip()]
    with given_as("--hardware"):
        return entrants_of(asked[0], names) if len(asked) == 1 else []


def _designs(asked: list[Scenario], jobs: int | None) -> tuple[Comparison, list[dict[str, Any]]]:
    """Scenarios as they are."""
    from simulator.cli.counting import Counting
    from simulator.errors import InputError
    from simulator.planning.comparisons import compare_results
    from simulator.planning.run_many import keep_result, run_many

    with Counting("scenarios") as progress:
        outcomes = run_many(asked, keep_result, jobs=jobs, progress=progress)
    results: list[Result] = []
    for outcome in outcomes:
        if outcome.value is None:
            raise InputError(outcome.refusal or "cannot run", file=outcome.scenario.file)
        results.append(outcome.value)
    return compare_results(results), [result.to_dict() for result in results]


def _hardware(
    scenario: Scenario, entrants: list[EntrantSpec], jobs: int | None
) -> tuple[Comparison, list[dict[str, Any]]]:
    """One scenario, the fewest chips of every kind."""
    from simulator.cli.counting import Counting
    from simulator.planning.compare_hardware import compare_hardware
    from simulator.planning.comparisons import compare_contenders
    from simulator.planning.crossover import cheapest_spans
    from simulator.planning.load import rate_if_any

    with Counting("devices") as progress:
        contenders = compare_hardware(scenario, entrants, jobs=jobs, progress=progress)
    rate = rate_if_any(scenario)
    comparison = compare_contenders(contenders, rate, scenario.name)
    spans = cheapest_spans(contenders, rate)
    return comparison, [_figures(contender, spans.get(contender.name)) for contender in contenders]


def _figures(contender: Contender, cheapest: list[CheapestSpan] | None) -> dict[str, Any]:
    candidate = contender.candidate
    about = {"device": contender.name, "refusal": candidate.reason}
    if contender.result is None or candidate.found is None:
        return about
    found = candidate.found
    first = found.family.pools[0]
    return {
        **about,
        "tensor": first.parallelism.tensor,
        "pipeline": first.parallelism.pipeline,
        "seats": first.engine.max_num_seqs,
        "label": found.family.label,
        "units": found.units,
        "spare": candidate.spare,
        "undecided": candidate.undecided,
        "undecided_units": None if found.doubt is None else list(found.doubt),
        "one_fewer": None if found.neighbour is None else found.neighbour.to_dict(),
        "rate_per_unit": contender.rate_per_unit,
        "cheapest_between": None if cheapest is None else [span.to_dict() for span in cheapest],
        "prices": [price.to_dict() for price in candidate.prices],
        "facility_power_leaves_out_hosts_of": list(candidate.missing.devices),
        **contender.result.to_dict(),
    }


def _write(comparison: Comparison, figures: list[dict[str, Any]], out: Path | None, json_: bool) -> None:
    from simulator.results.files import as_json

    if out is not None:
        from simulator.cli.output import write_text
        from simulator.reporting.html import write_comparisons

        out.mkdir(parents=True, exist_ok=True)
        write_text(out / "comparison.json", as_json(figures))
        write_comparisons(out, comparison.title, [comparison])
    if json_:
        typer.echo(as_json(figures), nl=False)
        return
    from rich.console import Console

    from simulator.reporting.screen import print_comparison

    print_comparison(comparison, Console())
    if out is not None:
        typer.echo(f"Report: {out / 'report.html'}")
