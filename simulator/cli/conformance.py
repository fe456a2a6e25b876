"""``simulator conformance``: is the scheduler vLLM's, step for step?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from simulator.calibration.conformance import Difference

#: Entries of a differing list that are shown; the rest is counted.
SHOWN = 6


def conformance(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH",
            help="Scenarios of the scheduler oracle (*.scenario.json with the trace beside it), measured runs"
            " with iterations (folders), or folders of either.",
        ),
    ],
    json_: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON, nothing else.")] = False,
) -> None:
    """Replay recorded schedules of the real vLLM and compare every step; exit with 1 on any difference."""
    from simulator.calibration.conformance import check_conformance

    report = check_conformance(paths)
    if json_:
        from simulator.results.files import as_json

        typer.echo(as_json(report.to_dict()), nl=False)
    else:
        from rich.console import Console

        console = Console()
        for scenario in report.scenarios:
            if scenario.difference is not None:
                steps = f"{scenario.identical_steps} of {scenario.steps} steps identical"
                console.print(_side_by_side(f"{scenario.name}: {steps}", scenario.difference))
        typer.echo(report.headline)
    if not report.identical:
        raise typer.Exit(1)


def _side_by_side(title: str, difference: Difference) -> Table:
    """The first record that differs: what was recorded, and what the replay did."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left", box=box.SIMPLE, show_lines=True)
    table.add_column(Text(f"first difference: {difference.where}"))
    table.add_column("expected")
    table.add_column("found")
    expected, found = difference.expected, difference.found
    if expected is None or found is None:
        table.add_row("record", *("none" if side is None else "one more" for side in (expected, found)))
        expected = expected or {}
        found = found or {}
    for key in expected | found:
        sides = _apart(expected.get(key), found.get(key))
        table.add_row(Text(key), *(Text(side) for side in sides))
    return table


def _apart(expected: Any, found: Any) -> tuple[str, str]:
    """Two values as text; of two lists only the entries that the other has not in the same place."""
    if not (isinstance(expected, list) and isinstance(found, list)):
        return _text(expected), _text(found)
    same = 0
    while same < min(len(expected), len(found)) and expected[same] == found[same]:
        same += 1
    return _entries(expected, same), _entries(found, same)


def _entries(values: list[Any], same: int) -> str:
    lines = [_text(value) for value in values[same : same + SHOWN]]
    if same:
        lines.insert(0, f"({same} the same)")
    left = len(values) - same - SHOWN
    if left > 0:
        lines.append(f"({left} more)")
    return "\n".join(lines) or "none"


def _text(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "-" if value is None else str(value)
