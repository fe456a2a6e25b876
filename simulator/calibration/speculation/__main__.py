"""Prints published speed-ups of speculative decoding beside the predicted ones."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from simulator.calibration.speculation.comparison import SpeedupRow, compare_file, summary_of
from simulator.calibration.speculation.silence import as_assumed, nothing_chosen
from simulator.errors import program


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Compare a file; 2 where it is none."""
    parser = argparse.ArgumentParser(prog="simulator tool speculation")
    parser.add_argument("file", help="table of techniques with speculative_decoding.by_concurrency")
    parser.add_argument("--json", action="store_true", help="one JSON object with all rows")
    parser.add_argument(
        "--nothing-chosen",
        dest="silent",
        action="store_const",
        const=nothing_chosen,
        default=as_assumed,
        help="where publications are silent, the same lengths, drafts and engine defaults for all set-ups",
    )
    asked = parser.parse_args(arguments)
    rows = compare_file(asked.file, asked.silent)
    if asked.json:
        print(json.dumps({"rows": [row.to_dict() for row in rows], "summary": summary_of(rows)}, indent=2))
        return 0
    for row in rows:
        print(_line(row))
    for key, value in summary_of(rows).items():
        print(f"{key}: {value:.3f}" if isinstance(value, float) else f"{key}: {value}")
    return 0


def _line(row: SpeedupRow) -> str:
    if row.predicted is None or row.error is None:
        return f"{row.point:66} {row.use}: {row.reason}"
    sign = "" if row.right_sign else "  WRONG SIGN"
    acceptance = "" if row.acceptance is None else f"  acceptance {row.acceptance:.3f}"
    return (
        f"{row.point:66} {row.use:7} published {row.published:5.2f}  predicted {row.predicted:5.2f}"
        f"  {row.error:+7.1%}{acceptance}{sign}"
    )


if __name__ == "__main__":
    sys.exit(main())
