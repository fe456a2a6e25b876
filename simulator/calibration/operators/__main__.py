"""Prints the constants of every system whose operator or layer tables lie in a folder, as YAML."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from simulator.calibration.operators.layers import DEVICES, fit_layers, read_layer_tables
from simulator.calibration.operators.system import SYSTEMS, fit_system
from simulator.errors import InputError, program
from simulator.hardware.catalogue import load_device
from simulator.latency.machine import machine_of


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Fit the systems named, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m simulator.calibration.operators")
    parser.add_argument("folder", type=Path, help="folder with a folder of tables for each system")
    parser.add_argument("system", nargs="*", help="default: all")
    asked = parser.parse_args(arguments)
    folder = asked.folder
    if not folder.is_dir():
        raise InputError("there is no such folder of tables", file=folder)
    for system in asked.system or [*SYSTEMS, *DEVICES]:
        if not (folder / system).is_dir():
            print(f"# {system}: no tables in {folder}")
        elif system in DEVICES:
            machine = machine_of(load_device(DEVICES[system]))
            constants = fit_layers(read_layer_tables(folder / system), machine)
            print(yaml.safe_dump({DEVICES[system]: constants}, sort_keys=False))
        else:
            print(yaml.safe_dump({SYSTEMS[system]: fit_system(folder / system)}, sort_keys=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
