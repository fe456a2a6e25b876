"""Prints the constants of every system whose operator or layer tables lie in a folder, as YAML."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from simulator.calibration.operators.layers import DEVICES, fit_layers, read_layer_tables
from simulator.calibration.operators.system import SYSTEMS, fit_system
from simulator.errors import InputError, nearest, program
from simulator.hardware.catalogue import load_device
from simulator.latency.machine import machine_of


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Fit the systems named, or all of them."""
    parser = argparse.ArgumentParser(prog="simulator tool operators")
    parser.add_argument("folder", type=Path, help="folder with a folder of tables for each system")
    parser.add_argument("system", nargs="*", help="default: all")
    asked = parser.parse_args(arguments)
    folder = asked.folder
    if not folder.is_dir():
        raise InputError("there is no such folder of tables", file=folder)
    known = [*SYSTEMS, *DEVICES]
    there = [system for system in known if (folder / system).is_dir()]
    for system in asked.system:
        if system not in there:
            raise InputError(f"no tables of {system!r} here{nearest(system, known)}", file=folder)
    if not there:
        raise InputError(
            f"no tables here; expected a folder for each system: {', '.join(known)}", file=folder
        )
    for system in asked.system or there:
        if system in DEVICES:
            machine = machine_of(load_device(DEVICES[system]))
            constants = fit_layers(read_layer_tables(folder / system), machine)
            print(yaml.safe_dump({DEVICES[system]: constants}, sort_keys=False))
        else:
            print(yaml.safe_dump({SYSTEMS[system]: fit_system(folder / system)}, sort_keys=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
