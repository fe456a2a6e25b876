"""Finds the YAML folders that ship with the simulator.

In a wheel they lie in ``simulator/data/<folder>``; in a checkout (also an editable
install) beside the package. One function serves both.
"""

from __future__ import annotations

from pathlib import Path

from simulator.errors import InputError

PACKAGE = Path(__file__).resolve().parent.parent


def data_folder(name: str) -> Path:
    """Folder of shipped data files, e.g. ``data_folder("hardware_profiles")``.

    Raises
    ------
    InputError
        Where neither the wheel's nor the checkout's folder exists.
    """
    for parent in (PACKAGE / "data", PACKAGE.parent):
        if (parent / name).is_dir():
            return parent / name
    raise InputError(f"the data folder {name!r} is missing from this installation")
