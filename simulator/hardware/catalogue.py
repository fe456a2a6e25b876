"""Finds hardware profiles: shipped ones by id or alias, and users' own by path."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from simulator.hardware.device import Device
from simulator.units.catalogue import load_entry, shipped_names, written_ns

FOLDER = "hardware_profiles"


def load_device(name_or_path: str | Path) -> Device:
    """The device of this name ("nvidia-h100-sxm", "h100", "groq"), or the one in this YAML file.

    Raises
    ------
    InputError
        Where there is no such profile or file, or the file is no valid profile.
    """
    name = str(name_or_path)
    return _load(name, written_ns(name))


@cache
def _load(name_or_path: str, changed_ns: int) -> Device:
    del changed_ns  # only a part of the key
    return load_entry(FOLDER, name_or_path, Device, what="device")


def device_names() -> tuple[str, ...]:
    """Ids of all shipped profiles, sorted."""
    return shipped_names(FOLDER)
