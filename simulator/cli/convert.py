"""``simulator convert``: other programs' files and command lines into ours."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simulator.cli.choices import one_of

if TYPE_CHECKING:
    from simulator.scenario.workload import WorkloadSpec


class Format(StrEnum):
    """What can be converted."""

    VLLM_ARGS = "vllm-args"
    TRACE = "trace"
    AZURE = "azure"
    BURSTGPT = "burstgpt"
    MOONCAKE = "mooncake"
    GUIDELLM = "guidellm"
    AIPERF = "aiperf"
    TIMED_TRACE = "timed-trace"
    BAILIAN = "bailian"
    SERVEGEN = "servegen"
    MEASURED_RUN = "measured-run"
    TABLE = "table"
    WORKLOAD = "workload"


class Layout(StrEnum):
    """What a trace can be written as."""

    TABLE = "table"
    AZURE = "azure"
    BURSTGPT = "burstgpt"
    BURSTGPT_V3 = "burstgpt-v3"
    MOONCAKE = "mooncake"
    GUIDELLM = "guidellm"
    AIPERF = "aiperf"
    TIMED_TRACE = "timed-trace"
    BAILIAN = "bailian"
    SERVEGEN = "servegen"


def convert(
    format_: Annotated[
        Format,
        typer.Argument(
            parser=one_of(Format),
            metavar="FORMAT",
            help="vllm-args: a `vllm serve` command line becomes a pool. azure, burstgpt, mooncake, guidellm,"
            " aiperf, timed-trace (of vLLM), bailian, measured-run, table (or trace, which tells them apart):"
            " a request trace becomes our request table, or what --to says. workload, servegen: so does"
            " traffic that a workload or ServeGen's clients generate.",
        ),
    ],
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="The file (servegen: or folder), the command line itself, or - for standard input.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="File to write; a request table ends in .csv, .csv.gz or .parquet."),
    ] = None,
    to: Annotated[
        Layout, typer.Option(parser=one_of(Layout), help="Layout of the trace that is written.")
    ] = Layout.TABLE,
    hardware: Annotated[
        str | None, typer.Option(help="vllm-args: the device that the server runs on.")
    ] = None,
    replicas: Annotated[int, typer.Option(min=1, help="vllm-args: how many such servers.")] = 1,
    requests: Annotated[int, typer.Option(min=1, help="workload, servegen: how many requests.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="workload, servegen: seed of the traffic.")] = 0,
) -> None:
    """Convert a vLLM command line, a request trace or generated traffic."""
    match format_:
        case Format.VLLM_ARGS:
            _vllm_args(source, out, hardware, replicas)
        case Format.WORKLOAD | Format.SERVEGEN:
            _workload(format_, source, out, to, requests, seed)
        case _:
            _trace(format_, source, out, to)


def _vllm_args(source: str, out: Path | None, hardware: str | None, replicas: int) -> None:
    from simulator.cli.output import write_text
    from simulator.scenario.vllm.args import pool_from_vllm_args

    conversion = pool_from_vllm_args(_text(source), hardware, replicas)
    if out is None:
        typer.echo(conversion.to_yaml(), nl=False)
        return
    write_text(out, conversion.to_yaml())
    for aside in conversion.unsupported:
        typer.echo(f"not simulated: {aside.flag}: {aside.reason}", err=True)


def _text(source: str) -> str:
    """The pasted text: standard input, the content of a file, or the argument itself."""
    from simulator.errors import InputError

    if source == "-":
        return sys.stdin.read()
    path = Path(source)
    if " " in source or "\n" in source or not path.is_file():
        return source
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError("not a text file; expected a vllm serve command line", file=path) from None


def _trace(format_: Format, source: str, out: Path | None, to: Layout) -> None:
    from simulator.cli.standard_input import file_of
    from simulator.workload import read_trace, write_trace

    layout: Any = "auto" if format_ is Format.TRACE else format_.value
    with file_of(source) as file:
        trace = read_trace(file, layout)
    table = _needed(out)
    count = write_trace([trace.traffic], table, to.value)
    without = f"; rows of failed or empty requests left out: {trace.left_out}" if trace.left_out else ""
    typer.echo(f"{count} requests written to {table}{without}")


def _workload(format_: Format, source: str, out: Path | None, to: Layout, requests: int, seed: int) -> None:
    from simulator.units.random_streams import RandomStreams
    from simulator.workload import build_workload, write_trace

    built = build_workload(_spec(format_, source), RandomStreams(seed), requests)
    table = _needed(out)
    count = write_trace(built.chunks(), table, to.value)
    typer.echo(f"{count} requests written to {table}")


def _spec(format_: Format, source: str) -> WorkloadSpec:
    """What generates the traffic; a workload may come through standard input."""
    from simulator.cli.standard_input import STANDARD_INPUT, file_of
    from simulator.errors import InputError
    from simulator.scenario.workload import WorkloadSpec
    from simulator.workload import load_workload
    from simulator.workload.library import read_workload

    if format_ is Format.SERVEGEN:
        if source == STANDARD_INPUT:
            raise InputError("ServeGen's clients lie in several files; name one of them or their folder")
        clients = {"process": "servegen", "file": str(Path(source).resolve())}
        return WorkloadSpec.model_validate({"arrivals": clients})
    if source != STANDARD_INPUT:
        return load_workload(source)
    # What comes through a pipe lies nowhere: files that it names are meant from here.
    with file_of(source, ".yaml") as file:
        return read_workload(Path(file), Path.cwd())


def _needed(out: Path | None) -> Path:
    if out is None:
        raise typer.BadParameter(
            "say where the request table goes, e.g. --out requests.csv", param_hint="--out"
        )
    return out
