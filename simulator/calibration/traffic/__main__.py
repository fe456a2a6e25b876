"""Prints a workload beside a trace."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from simulator.calibration.traffic.comparison import compare_traffic
from simulator.errors import program


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Compare; 2 where workload or trace cannot be read."""
    parser = argparse.ArgumentParser(prog="simulator tool traffic")
    parser.add_argument("workload", help="name of a shipped workload, or a YAML file")
    parser.add_argument("trace", help="a trace in any layout that simulator convert reads")
    parser.add_argument("--seeds", type=int, default=60, help="how often arrivals are drawn")
    parser.add_argument("--json", action="store_true", help="a JSON list of figures")
    asked = parser.parse_args(arguments)
    if asked.seeds < 1:
        parser.error(f"--seeds: found {asked.seeds}, expected at least 1")
    rows = compare_traffic(asked.workload, asked.trace, asked.seeds)
    if asked.json:
        print(json.dumps([row.to_dict() for row in rows], indent=2))
        return 0
    for row in rows:
        off = f"{row.error:+8.3f}" if row.figure == "rank correlation" else f"{row.error:+8.1%}"
        spread = "" if row.spread is None else f"  (slices differ by {row.spread:.0%})"
        print(f"{row.figure:42} trace {row.trace:10.3f}  workload {row.workload:10.3f}  {off}{spread}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
