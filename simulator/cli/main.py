"""The command ``simulator``: all commands, and what a bad input looks like."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

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
from simulator.cli.validate import validate
from simulator.cli.why import why
from simulator.errors import SimulatorError

EXIT_BAD_INPUT = 2

# Plain help: rich's boxes would double the time to the first line.
app = typer.Typer(
    name="simulator",
    help="Simulates LLM inference clusters: latency, throughput, cost and energy of a scenario.",
    epilog="Exit codes: 0 it ran; 1 the answer to a yes/no question is no; 2 the input is wrong.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; the user's mistakes end in one message, not a traceback."""
    try:
        app(args=None if arguments is None else list(arguments), prog_name="simulator")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except SimulatorError as error:
        return _refuse(str(error))
    except BrokenPipeError:
        # Whoever read our output has left (`simulator show hardware | head`): not our mistake.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _refuse(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    return 0


def _refuse(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return EXIT_BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
