"""The command ``simulator``: all commands, and what a bad input looks like."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import typer

from simulator.cli.calibrate import calibrate
from simulator.cli.claims import claims
from simulator.cli.compare import compare
from simulator.cli.conformance import conformance
from simulator.cli.convert import convert
from simulator.cli.demo import demo
from simulator.cli.frontier import frontier
from simulator.cli.report import report
from simulator.cli.run import run
from simulator.cli.schema import schema
from simulator.cli.search import search
from simulator.cli.sensitivity import sensitivity
from simulator.cli.show import show
from simulator.cli.size import size
from simulator.cli.sweep import sweep
from simulator.cli.tool import tool
from simulator.cli.validate import validate
from simulator.cli.why import why
from simulator.errors import SimulatorError, program

# Plain help: rich's boxes would double the time to the first line.
app = typer.Typer(
    name="simulator",
    help="Simulates LLM inference clusters: latency, throughput, cost and energy of a scenario.",
    epilog="Exit codes: 0 it ran; 1 the answer to a yes/no question is no; 2 the input is wrong.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
#: What typer raises for words that are no command line, whichever click it stands on.
_CommandLineError: Any = typer.BadParameter.__bases__[0]
COMMANDS = (
    run,
    compare,
    frontier,
    sweep,
    size,
    search,
    sensitivity,
    why,
    claims,
    calibrate,
    validate,
    demo,
    conformance,
    report,
    convert,
    show,
    schema,
)
for command in COMMANDS:
    app.command()(command)
# What follows the name of a tool is the tool's own.
app.command(context_settings={"allow_extra_args": True, "allow_interspersed_args": False})(tool)


def _version(asked: bool) -> None:
    if asked:
        import simulator

        typer.echo(f"simulator {simulator.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version."
    ),
) -> None:
    pass


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    try:
        code = app(args=words, prog_name="simulator", standalone_mode=False)
    except SystemExit as end:
        code = end.code
    except _CommandLineError as wrong:
        raise SimulatorError(_in_one_line(wrong)) from None
    return code if isinstance(code, int) else 0


def _in_one_line(wrong: Any) -> str:
    """What is wrong with the words of a command line, and where its options are explained."""
    command = "simulator" if wrong.ctx is None else wrong.ctx.command_path
    said = " ".join(wrong.format_message().split()).rstrip(".")
    return f"{said[0].lower()}{said[1:]} (`{command} --help` tells what is allowed)"


if __name__ == "__main__":
    sys.exit(main())
