"""Writes the error figures and the document about them; see the package."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from simulator.calibration.accuracy.comparisons import units
from simulator.calibration.accuracy.document import document
from simulator.calibration.accuracy.protocols import of_mlenergy, of_runs, of_silicon
from simulator.calibration.accuracy.summary import updated
from simulator.errors import InputError, nearest, program
from simulator.results.accuracy import FILE, FOLDER, Accuracy, Protocol, read_accuracy

PROJECT = Path(__file__).resolve().parents[3]
ERRORS = PROJECT / FOLDER / FILE
DOCUMENT = PROJECT / "docs" / "validation.md"
_HEAD = "# Written by `python -m simulator.calibration.accuracy SHARED`: errors only, no measured rows.\n"


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Write both files, or the document alone."""
    parser = argparse.ArgumentParser(prog="simulator tool accuracy")
    parser.add_argument("shared", type=Path, nargs="?", help="folder of measured data, which holds traces/")
    parser.add_argument("unit", nargs="*", help="what to compare anew; default: all there is")
    parser.add_argument("--document", action="store_true", help="only write the document again")
    asked = parser.parse_args(arguments)
    if asked.document == (asked.shared is not None):
        parser.error("expected either a folder of measured data or --document")
    if asked.shared is not None:
        _compare(asked.shared, asked.unit)
    DOCUMENT.write_text(document(read_accuracy(ERRORS)), encoding="utf-8")
    print(f"written: {ERRORS}, {DOCUMENT}")
    return 0


def _compare(shared: Path, wanted: list[str]) -> None:
    """Compare the units anew; what is done is stored after each."""
    if not (shared / "traces").is_dir():
        raise InputError("there is no folder traces/ in it", file=shared)
    known = units(shared)
    for unit in wanted:
        if unit not in known:
            raise InputError(f"{unit!r} is none of {', '.join(known)}{nearest(unit, known)}")
    for unit in wanted or known:
        accuracy = (
            read_accuracy(ERRORS) if ERRORS.is_file() else Accuracy(format="validation-errors/1", date="")
        )
        found = list(known[unit]())
        accuracy = updated(accuracy, unit, found)
        fresh = of_runs(found) if unit == "runs" else _left_out(shared, unit)
        kept = [protocol for protocol in accuracy.protocols if protocol.unit != unit]
        protocols = sorted([*kept, *fresh], key=lambda protocol: list(known).index(protocol.unit))
        accuracy = accuracy.model_copy(update={"protocols": tuple(protocols)})
        today = datetime.now(UTC).date().isoformat()
        ERRORS.write_text(as_yaml(accuracy.model_copy(update={"date": today})), encoding="utf-8")
        print(f"{unit}: {len(accuracy.groups)} groups", file=sys.stderr)


def _left_out(shared: Path, unit: str) -> list[Protocol]:
    """Errors of points on what was left out of fits to the others."""
    fits = {"aiconfigurator-silicon": of_silicon, "mlenergy": of_mlenergy}
    file = shared / "traces" / "points" / f"{unit}.csv.gz"
    return fits[unit](file) if unit in fits else []


def as_yaml(accuracy: Accuracy) -> str:
    """The stored figures."""
    import yaml

    text: str = yaml.safe_dump(
        accuracy.model_dump(mode="json", exclude_defaults=True),
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,
        width=110,
    )
    return _HEAD + text


if __name__ == "__main__":
    sys.exit(main())
