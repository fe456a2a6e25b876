"""Ways to lay a model out on a device: the choices a planner would try, fewest devices first.

Which layout carries a load with the fewest chips is not known beforehand: more devices per replica leave
more memory for the cache (larger batches) and make a token faster, but wait longer for each other. So a few
are tried: the smallest that hold 8, 32 and 128 sequences of the traffic's length, and on machines that read
their weights every step all powers of two inside one system. Graphs of fixed shape (Inferentia,
Trainium) are compiled for 8, 16 or 32 seats.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from simulator.errors import DoesNotFitError
from simulator.hardware.device import Device
from simulator.hardware.execution import (
    InMemoryExecution,
    SramPipelineExecution,
    StaticShapesExecution,
    WaferExecution,
)
from simulator.latency.smallest import fitting_parallelisms
from simulator.models.card import ModelCard
from simulator.planning.lengths import Lengths
from simulator.scenario.cluster import ParallelismSpec

#: Sequences that a layout should hold, and seats that graphs of fixed shape are compiled for.
_HELD = (8, 32, 128)
_SEATS = (8, 16, 32)
#: Devices of one replica tried on machines that read weights every step, unless the smallest has more.
_LARGEST = 16


@dataclass(frozen=True, slots=True)
class LayoutChoice:
    """One layout: parallel sizes and most sequences at once."""

    tensor: int
    pipeline: int
    seats: int

    @property
    def devices(self) -> int:
        """Devices of one replica."""
        return self.tensor * self.pipeline


def layout_choices(
    card: ModelCard, device: Device, lengths: Lengths, seats: int, weight_dtype: str, kv_dtype: str
) -> list[LayoutChoice]:
    """Layouts worth trying, fewest devices first.

    Parameters
    ----------
    seats
        Most sequences at once where the device is free to choose.

    Raises
    ------
    DoesNotFitError
        Where no number of devices that was tried holds the model.
    """
    found: list[LayoutChoice] = []
    for held in _HELD:
        tokens = max(held * lengths.mean, lengths.longest)
        fitting = fitting_parallelisms(
            card, device, weight_dtype=weight_dtype, kv_dtype=kv_dtype, tokens=tokens, seats=held
        )
        for tensor, pipeline in _few(fitting, device):
            found += [LayoutChoice(tensor, pipeline, count) for count in _seats(device, seats)]
    if not found:
        raise DoesNotFitError(f"{card.name} fits no number of {device.name} that was tried")
    return sorted(dict.fromkeys(found), key=lambda choice: (choice.devices, choice.seats))


def _few(fitting: Iterator[tuple[int, int]], device: Device) -> Iterator[tuple[int, int]]:
    """The smallest, and on machines that read weights every step also larger ones inside one system."""
    smallest = next(fitting, None)
    if smallest is None:
        return
    yield smallest
    if isinstance(device.execution, SramPipelineExecution | InMemoryExecution | WaferExecution):
        return
    for tensor, pipeline in fitting:
        if pipeline > 1 or tensor > min(_LARGEST, device.devices_per_system):
            return
        if tensor & (tensor - 1) == 0 or tensor == device.devices_per_system:
            yield tensor, pipeline


def _seats(device: Device, seats: int) -> tuple[int, ...]:
    return _SEATS if isinstance(device.execution, StaticShapesExecution) else (seats,)


def in_words(sizes: ParallelismSpec) -> str:
    """A layout of one replica in short: ``tensor 4 pipeline 2``."""
    named = {"tensor": sizes.tensor, "pipeline": sizes.pipeline, "data": sizes.data, "expert": sizes.expert}
    return " ".join(f"{name} {size}" for name, size in named.items() if size > 1 or name == "tensor")
