"""Time of collective operations among the devices of a replica.

Where the operation was measured on the device (``hardware_profiles/collectives``), its
series is interpolated between message sizes, in straight lines as a latency and a bandwidth make
them; larger messages run at the bandwidth of the largest measured one, smaller ones cost the
time of the smallest. Where it was not, the series of a device with the same kind of link stands
in. Where there is none, or more devices are asked for than were measured, the better of two
algorithms is modelled from bandwidth and latency of the links:

    ring                 t = t0 + s (n - 1) a + s (n - 1)/n * bytes / (e B)
    recursive doubling   t = t0 + ceil(log2 n) (a + bytes / (e B))

with n devices, a latency of a hop, B bandwidth one way, s = 2 for an all-reduce and 1 for
all-gather and all-to-all (which have no doubling here). Over several scale-up domains an
all-reduce is hierarchical: inside a domain with all bytes, between domains with each
device's share. The curve says which of these it is.

References: Thakur, Rabenseifner, Gropp, "Optimization of Collective Communication
Operations in MPICH", 2005; NCCL tests, PERFORMANCE.md.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from math import ceil, log2
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from simulator.errors import InputError
from simulator.hardware.device import Confidence, Device, Link
from simulator.units.data_files import data_folder
from simulator.units.explain import validate
from simulator.units.yaml_file import read_mapping

Operation = Literal["all_reduce", "all_gather", "all_to_all"]

#: Launch of a collective [s]: the small-message floor of the measured NVLink series.
_LAUNCH_S = 4e-6
#: Latency of a hop where the profile states none [s], an estimate for links inside a node.
_HOP_S = 1e-6
#: Latency of a hop between nodes where the profile states none [s], an estimate.
_NODE_HOP_S = 5e-6
#: Share of a link's bandwidth a ring attains: 0.72 (A100) to 0.96 (H100) at 256 MB.
_LINK_EFFICIENCY = 0.8


#: (fixed time [s], time per byte [s/byte]) of each algorithm for one level of the network.
_Lines = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class CollectiveCurve:
    """Time of one collective operation over message size.

    Attributes
    ----------
    origin
        "measured" on this device, "same-link" (measured on another device with the same kind
        of link), or "link-model"; "none" for a single device.
    source
        Where the numbers come from, for the result's provenance.
    """

    operation: Operation
    devices: int
    origin: Literal["none", "measured", "same-link", "link-model"]
    source: str
    _bytes: tuple[float, ...] = ()
    _seconds: tuple[float, ...] = ()
    _levels: tuple[_Lines, ...] = ()

    def seconds(self, message_bytes: float) -> float:
        """Time [s] for a message of this size per device [bytes]."""
        if self.devices == 1 or message_bytes <= 0:
            return 0.0
        if not self._bytes:
            return _LAUNCH_S + sum(
                min(fixed + message_bytes * per_byte for fixed, per_byte in lines) for lines in self._levels
            )
        return self._interpolated(message_bytes)

    def _interpolated(self, x: float) -> float:
        xs, ys = self._bytes, self._seconds
        if x <= xs[0]:
            return ys[0]
        if x >= xs[-1]:
            return ys[-1] * x / xs[-1]
        right = bisect_right(xs, x)
        left = right - 1
        return ys[left] + (ys[right] - ys[left]) * (x - xs[left]) / (xs[right] - xs[left])


class _Series(BaseModel):
    """One measured series: microseconds by message size."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kernel: str
    software: str
    operation: Operation
    devices: PositiveInt
    microseconds_by_bytes: dict[int, float]


class _System(BaseModel):
    """Series measured on one kind of system, and the devices they hold for.

    ``slower`` are devices with the same kind of link in servers where it takes so many times longer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    devices: tuple[str, ...]
    same_link: tuple[str, ...] = ()
    slower: dict[str, PositiveFloat] = Field(default_factory=dict)
    series: tuple[_Series, ...]


class _Measurements(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    licence: str
    date: str
    confidence: Confidence
    note: str | None = None
    systems: tuple[_System, ...] = Field(min_length=1)


def collective_curve(
    device: Device, operation: Operation, devices: int, kernel: str | None = None
) -> CollectiveCurve:
    """Time over message size of ``operation`` among ``devices`` devices.

    Parameters
    ----------
    kernel
        "NCCL" or "vLLM" to insist on one; default: vLLM's custom all-reduce where it was measured.

    Raises
    ------
    InputError
        Where neither a measurement nor the bandwidth of a link is known.
    """
    if devices == 1:
        return CollectiveCurve(operation, 1, "none", "one device: no exchange")
    measured = _measured(device, operation, devices, kernel)
    return measured if measured is not None else _modelled(device, operation, devices)


def all_reduce_seconds(device: Device, devices: int, message_bytes: float) -> float:
    """Time of an all-reduce [s] of a tensor of ``message_bytes`` held by each of ``devices`` devices."""
    return collective_curve(device, "all_reduce", devices).seconds(message_bytes)


@dataclass(frozen=True, slots=True)
class Links:
    """The two levels of the network among a replica's devices, at what a transfer attains of them.

    Attributes
    ----------
    domain
        Devices that the local link joins.
    local_rate, outer_rate
        One way for one device, inside a domain and between domains [bytes/s]; None where unknown.
    local_s, outer_s
        Latency of a hop [s].
    """

    device: str
    domain: int
    local_rate: float | None
    local_s: float
    outer_rate: float | None
    outer_s: float

    def personal_s(self, local_bytes: float, outer_bytes: float) -> float:
        """Every device sends others what is theirs alone, so much in its domain and so much beyond it [s].

        Both links work at once; the slower one counts.

        Raises
        ------
        InputError
            Where bytes go over a link of unknown bandwidth.
        """
        local = self._s(self.local_rate, self.local_s, local_bytes)
        return _LAUNCH_S + max(local, self._s(self.outer_rate, self.outer_s, outer_bytes))

    def hop_s(self, distance: int, message_bytes: float) -> float:
        """From one device to the one ``distance`` further: beyond its domain where that is as large [s]."""
        if distance < self.domain:
            return self._s(self.local_rate, self.local_s, message_bytes)
        return self._s(self.outer_rate, self.outer_s, message_bytes)

    def _s(self, rate: float | None, latency: float, size: float) -> float:
        if size <= 0:
            return 0.0
        if rate is None:
            raise _no_link(self.device)
        return latency + size / rate


def links_of(device: Device) -> Links:
    """The links among devices of this kind."""
    inside, outside = _local_link(device), _outer_link(device)
    return Links(
        device=device.name,
        domain=_domain(device),
        local_rate=None if inside.bandwidth is None else _LINK_EFFICIENCY * inside.bandwidth,
        local_s=inside.latency,
        outer_rate=None if outside.bandwidth is None else _LINK_EFFICIENCY * outside.bandwidth,
        outer_s=outside.latency,
    )


@cache
def _measurements() -> _Measurements:
    path = data_folder("hardware_profiles") / "collectives" / "measured.yaml"
    return validate(_Measurements, read_mapping(path), path)


def _measured(
    device: Device, operation: Operation, devices: int, kernel: str | None
) -> CollectiveCurve | None:
    data = _measurements()
    own = next((system for system in data.systems if device.id in system.devices), None)
    system = own or next((system for system in data.systems if device.id in system.same_link), None)
    if system is None:
        return None
    fitting = [
        series
        for series in system.series
        if series.operation == operation and (kernel is None or series.kernel.startswith(kernel))
    ]
    # vLLM's own kernel before NCCL, if it was measured; of that kernel, enough devices
    preferred = [series for series in fitting if series.kernel.startswith("vLLM")] or fitting
    enough = [series for series in preferred if series.devices >= devices]
    if not enough:
        return None
    series = min(enough, key=lambda one: one.devices)
    points = sorted(series.microseconds_by_bytes.items())
    held = "measured" if own else f"measured on {system.name}, the same kind of link"
    factor = system.slower.get(device.id, 1.0)
    if factor != 1.0:
        held += f", {factor:g} times longer"
    more = "" if series.devices == devices else f", series of {series.devices} devices"
    return CollectiveCurve(
        operation=operation,
        devices=devices,
        origin="measured" if own else "same-link",
        source=f"{held}{more}: {series.kernel} ({series.software}), {data.source}",
        _bytes=tuple(float(size) for size, _ in points),
        _seconds=tuple(factor * time * 1e-6 for _, time in points),
    )


def _modelled(device: Device, operation: Operation, devices: int) -> CollectiveCurve:
    inside, outside = _local_link(device), _outer_link(device)
    local = max(1, min(devices, _domain(device)))
    groups = -(-devices // local)
    levels: list[_Lines] = []
    if local > 1:
        levels.append(_algorithms(operation, local, inside.latency, 1 / inside.usable_bandwidth(device)))
    if groups > 1:
        share = 1 / local if operation == "all_reduce" else 1.0
        levels.append(
            _algorithms(operation, groups, outside.latency, share / outside.usable_bandwidth(device))
        )
    used = [link.name for link, parts in ((inside, local), (outside, groups)) if parts > 1]
    return CollectiveCurve(
        operation=operation,
        devices=devices,
        origin="link-model",
        source=f"modelled over {' and '.join(used)} at {_LINK_EFFICIENCY:.0%} of bandwidth (estimate)",
        _levels=tuple(levels),
    )


def _algorithms(operation: Operation, devices: int, hop_s: float, seconds_per_byte: float) -> _Lines:
    """Fixed time [s] and time per byte [s/byte] of each algorithm that could serve one level."""
    passes = 2 if operation == "all_reduce" else 1
    ring = (passes * (devices - 1) * hop_s, passes * (devices - 1) / devices * seconds_per_byte)
    if operation != "all_reduce":
        return (ring,)
    rounds = ceil(log2(devices))
    return (ring, (rounds * hop_s, rounds * seconds_per_byte))


@dataclass(frozen=True, slots=True)
class _LinkFigures:
    bandwidth: float | None
    latency: float
    name: str

    def usable_bandwidth(self, device: Device) -> float:
        """Attainable bandwidth one way [bytes/s]."""
        if self.bandwidth is None:
            raise _no_link(device.name)
        return _LINK_EFFICIENCY * self.bandwidth


def _no_link(device: str) -> InputError:
    return InputError(
        f"{device} has no published link bandwidth between devices, so a model cannot be "
        f"spread over more of them than are directly joined; give scale_up or scale_out a "
        f"bandwidth in a profile of your own"
    )


def _local_link(device: Device) -> _LinkFigures:
    """The scale-up link, or the host's bus where there is none."""
    for link in (device.scale_up, device.host_link):
        if link is not None and link.bandwidth is not None:
            return _figures(link, _HOP_S)
    return _LinkFigures(None, _HOP_S, "an unpublished link")


def _outer_link(device: Device) -> _LinkFigures:
    if device.scale_out is None:
        return _LinkFigures(None, _NODE_HOP_S, "an unpublished network")
    return _figures(device.scale_out, _NODE_HOP_S)


def _figures(link: Link, default_latency: float) -> _LinkFigures:
    return _LinkFigures(link.bandwidth, default_latency if link.latency is None else link.latency, link.type)


def _domain(device: Device) -> int:
    """Devices that the local link joins: the scale-up domain, else those in one host."""
    link = device.scale_up
    if link is not None and link.bandwidth is not None:
        return link.devices or device.devices_per_system
    return device.devices_per_system
