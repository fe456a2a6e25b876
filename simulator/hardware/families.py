"""Families of devices: the constants of one that nobody profiled, from ``hardware_profiles/families``.

A family says what it does unlike `COMMON`; a device without a family of its own there is like `COMMON`.
"""

from __future__ import annotations

from functools import cache

from pydantic import BaseModel, ConfigDict

from simulator.hardware.execution import RooflineExecution
from simulator.units.catalogue import load_entry, shipped_names
from simulator.units.quantity import BytesPerSecond

FOLDER = "hardware_profiles/families"
#: The family that has every group of constants.
COMMON = "gpu-hbm"
#: Constants of sampling that are times of reading memory, so that they scale with its bandwidth.
_READ = ("sort_ns", "triton_ns", "flashinfer_ns")


class Family(BaseModel):
    """A family of devices.

    ``bandwidth`` is that of the memory its constants of sampling were measured on [bytes/s].
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    bandwidth: BytesPerSecond | None = None
    execution: RooflineExecution


def family_execution(family: str, bandwidth: float) -> RooflineExecution:
    """Every group of constants for a device of this family and memory bandwidth [bytes/s]."""
    common = _family(COMMON)
    constants = common.execution
    assert common.bandwidth is not None and constants.sampling is not None
    slower = common.bandwidth / bandwidth
    read = {name: getattr(constants.sampling, name) * slower for name in _READ}
    constants = constants.model_copy(update={"sampling": constants.sampling.model_copy(update=read)})
    if family == COMMON or family not in _names():
        return constants
    own = _family(family).execution
    return constants.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})


@cache
def _names() -> tuple[str, ...]:
    return shipped_names(FOLDER)


@cache
def _family(name: str) -> Family:
    return load_entry(FOLDER, name, Family, what="family of devices")
