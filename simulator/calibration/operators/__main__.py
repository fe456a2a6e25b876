"""Prints the constants of every system whose operator tables lie in a folder, as YAML."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from simulator.calibration.operators.system import SYSTEMS, fit_system


def main(folder: Path, wanted: list[str]) -> None:
    """Fit the systems named, or all of them."""
    for system in wanted or list(SYSTEMS):
        if not (folder / system).is_dir():
            print(f"# {system}: no tables in {folder}")
            continue
        print(yaml.safe_dump({SYSTEMS[system]: fit_system(folder / system)}, sort_keys=False))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python -m simulator.calibration.operators FOLDER [SYSTEM ...]")
    main(Path(sys.argv[1]), sys.argv[2:])
