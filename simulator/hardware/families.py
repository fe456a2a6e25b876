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

    ``bandwidth`` is that of the memory its constants of sampling were measured on [bytes/s]; without it, or
    without such constants, nothing is scaled.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    bandwidth: BytesPerSecond | None = None
    execution: RooflineExecution

    def on_memory(self, bandwidth: float) -> RooflineExecution:
        """Its constants on a memory of this bandwidth [bytes/s]."""
        sampling = self.execution.sampling
        if self.bandwidth is None or sampling is None:
            return self.execution
        slower = self.bandwidth / bandwidth
        read = sampling.model_copy(update={name: getattr(sampling, name) * slower for name in _READ})
        return self.execution.model_copy(update={"sampling": read})


def family_execution(family: str, bandwidth: float) -> RooflineExecution:
    """Every group of constants for a device of this family and memory bandwidth [bytes/s]."""
    common = _family(COMMON).on_memory(bandwidth)
    if family == COMMON or family not in _names():
        return common
    own = _family(family).on_memory(bandwidth)
    return common.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})


@cache
def _names() -> tuple[str, ...]:
    return shipped_names(FOLDER)


@cache
def _family(name: str) -> Family:
    return load_entry(FOLDER, name, Family, what="family of devices")
