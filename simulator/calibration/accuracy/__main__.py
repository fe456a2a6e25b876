"""Writes the error figures and the document about them; see the package."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from simulator.calibration.accuracy.comparisons import units
from simulator.calibration.accuracy.document import document
from simulator.calibration.accuracy.protocols import protocols
from simulator.calibration.accuracy.summary import updated
from simulator.results.accuracy import FILE, FOLDER, Accuracy, read_accuracy

PROJECT = Path(__file__).resolve().parents[3]
ERRORS = PROJECT / FOLDER / FILE
DOCUMENT = PROJECT / "docs" / "validation.md"
LEFT_OUT = "left out"
_HEAD = "# Written by `python -m simulator.calibration.accuracy SHARED`: errors only, no measured rows.\n"
_USAGE = "usage: python -m simulator.calibration.accuracy SHARED [UNIT ...] | --document"


def main(arguments: list[str]) -> None:
    """Write both files, or the document alone."""
    if arguments != ["--document"]:
        if not arguments or not Path(arguments[0], "traces").is_dir():
            sys.exit(_USAGE)
        _compare(Path(arguments[0]), arguments[1:])
    DOCUMENT.write_text(document(read_accuracy(ERRORS)), encoding="utf-8")
    print(f"written: {ERRORS}, {DOCUMENT}")


def _compare(shared: Path, wanted: list[str]) -> None:
    """Compare the units anew; what is done is stored after each."""
    known = units(shared)
    unknown = [unit for unit in wanted if unit not in (*known, LEFT_OUT)]
    if unknown:
        sys.exit(f"{unknown[0]!r} is none of {', '.join((*known, LEFT_OUT))}")
    for unit in wanted or (*known, LEFT_OUT):
        accuracy = (
            read_accuracy(ERRORS) if ERRORS.is_file() else Accuracy(format="validation-errors/1", date="")
        )
        if unit == LEFT_OUT:
            accuracy = accuracy.model_copy(update={"protocols": tuple(protocols(shared))})
        else:
            accuracy = updated(accuracy, unit, known[unit]())
        today = datetime.now(UTC).date().isoformat()
        ERRORS.write_text(as_yaml(accuracy.model_copy(update={"date": today})), encoding="utf-8")
        print(f"{unit}: {len(accuracy.groups)} groups", file=sys.stderr)


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
    main(sys.argv[1:])
