"""Prints the constants of every system whose operator or layer tables lie in a folder, as YAML."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from simulator.calibration.operators.layers import DEVICES, fit_layers, read_layer_tables
from simulator.calibration.operators.system import SYSTEMS, fit_system
from simulator.hardware.catalogue import load_device
from simulator.latency.machine import machine_of


def main(folder: Path, wanted: list[str]) -> None:
    """Fit the systems named, or all of them."""
    for system in wanted or [*SYSTEMS, *DEVICES]:
        if not (folder / system).is_dir():
            print(f"# {system}: no tables in {folder}")
        elif system in DEVICES:
            machine = machine_of(load_device(DEVICES[system]))
            constants = fit_layers(read_layer_tables(folder / system), machine)
            print(yaml.safe_dump({DEVICES[system]: constants}, sort_keys=False))
        else:
            print(yaml.safe_dump({SYSTEMS[system]: fit_system(folder / system)}, sort_keys=False))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python -m simulator.calibration.operators FOLDER [SYSTEM ...]")
    main(Path(sys.argv[1]), sys.argv[2:])
