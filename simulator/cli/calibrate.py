"""``simulator calibrate``: a backend from your own measurements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from simulator.calibration.calibrate import Calibration


def calibrate(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...",
            help="Measured runs (folders with run.yaml), results of `vllm bench serve --save-result"
            " --save-detailed`, GuideLLM reports, inference-perf folders, or scrapes of vLLM's /metrics.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="YAML file to write.")] = Path("calibrated.yaml"),
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Setting of the engine that was measured, under vLLM's name, e.g. max_num_seqs=64"
            " or engine_version=0.15.1.",
        ),
    ] = None,
    on: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="What was measured, where the data do not state it: device, model, weight_dtype, tensor,"
            " pipeline, data, expert, context; e.g. device=h100 or tensor=4. A run on something else warns.",
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the backend; default: the model's.")] = None,
    most_error: Annotated[
        float | None,
        typer.Option(help="Mean error on its own data up to which a fit is written; default: 1.", min=0.0),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the fit as JSON, nothing else.")] = False,
) -> None:
    """Fit a latency backend to measurements and write it as YAML that a scenario's pool can name."""
    from simulator.calibration.calibrate import USELESS
    from simulator.calibration.calibrate import calibrate as fit
    from simulator.cli.output import write_text
    from simulator.errors import InputError

    if not out.absolute().parent.is_dir():
        raise InputError("its folder does not exist", file=out)
    found = fit(runs, _settings(set_ or []), name, _measured_on(on or []))
    found.refuse_useless(USELESS if most_error is None else most_error)
    write_text(out, found.to_yaml())
    if json_:
        from simulator.results.files import as_json

        typer.echo(as_json(found.to_dict()), nl=False)
        return
    from simulator.cli.output import wide_console

    _print(found, wide_console())
    typer.echo(f"\nWritten to {out}. A pool names it with  latency: {{backend: fitted, file: {out}}}")


def _settings(assignments: list[str]) -> dict[str, Any]:
    from simulator.scenario.overrides import parse_assignment

    return {str(key).removeprefix("engine."): value for key, value in map(parse_assignment, assignments)}


def _measured_on(assignments: list[str]) -> dict[str, Any]:
    from simulator.scenario.overrides import parse_assignment

    return dict(parse_assignment(text, "--on") for text in assignments)


def _print(found: Calibration, console: Console) -> None:
    from rich.table import Table

    backend = found.backend
    console.print(f"{backend.name}: {found.method}", markup=False, highlight=False)
    table = Table("coefficient", "value", "standard error", box=None, pad_edge=False, header_style="bold")
    knots = ", ".join(f"{tokens}: {ms:.4g}" for tokens, ms in backend.knots_ms.items())
    table.add_row("step by tokens [ms]", knots, "")
    for key in ("sequence_us", "crowd_us", "context_us", "product_us", "mixed_us", "request_ms"):
        value = getattr(backend, key)
        if value:
            share = found.errors.get(key)
            table.add_row(key, f"{value:.4g}", "" if share is None else f"{share:.0%}")
    console.print(table)
    if backend.shared_context == "once":
        console.print("Context that several decodes share counts once: it is read from the cache.")
    console.print(f"Error on what it was fitted to: {found.in_sample:.1%}", highlight=False)
    console.print(f"Error {backend.error}", markup=False, highlight=False)
    _print_held_out(found, console)
    if backend.condition is not None:
        console.print(f"Condition number of what was identified: {backend.condition:.3g}", highlight=False)
    if backend.not_identified:
        console.print("Not identified by these data:")
        for line in backend.not_identified:
            console.print(f"  {line}", markup=False, highlight=False)
    for note in found.notes:
        console.print(f"Note: {note}", markup=False, highlight=False)


def _print_held_out(found: Calibration, console: Console) -> None:
    from rich.table import Table

    if not found.backend.held_out:
        return
    metrics = list(dict.fromkeys(one.metric for one in found.backend.held_out))
    table = Table("left out", *metrics, box=None, pad_edge=False, header_style="bold")
    for data in dict.fromkeys(one.data for one in found.backend.held_out):
        errors = {one.metric: one.error for one in found.backend.held_out if one.data == data}
        table.add_row(data, *(f"{errors[m]:+.1%}" if m in errors else "" for m in metrics))
    console.print(table)
