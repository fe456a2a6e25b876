"""A device: memory tiers, peak rates, power, links and the system it is sold in.

Everything a profile states is per device (one chip or GPU as software sees it), peaks are
dense, bandwidths of links are one way. What is not published is None, never zero. Each
group of values carries source, date and confidence.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from simulator.errors import InputError, nearest
from simulator.hardware.execution import Execution
from simulator.units.quantity import Bytes, BytesPerSecond, FlopsPerSecond, Seconds, Watts

#: How far a value can be trusted. ``estimate`` is general knowledge, never a datasheet.
Confidence = Literal["datasheet", "vendor-claim", "press", "third-party-measurement", "estimate"]

#: Tiers that do not hold weights or KV cache next to the compute units.
_OFF_DEVICE = frozenset({"host", "memoryx", "ddr"})


class Sourced(BaseModel):
    """A group of values with its provenance.

    ``source`` holds citations; in a file they may be keys of the profile's ``sources``.
    ``date`` is that of the source where it states one, else the day the value was read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: tuple[str, ...] = Field(min_length=1)
    date: str | None = None
    confidence: Confidence
    note: str | None = None


class MemoryTier(Sourced):
    """One level of the memory hierarchy."""

    tier: str
    type: str
    capacity: Bytes | None = None
    bandwidth: BytesPerSecond | None = None


class Compute(Sourced):
    """Dense peak rates by number format [FLOP/s; op/s for integer formats].

    Rates that no source supports stand in a group with ``planning: false`` and are shown,
    but never computed with.
    """

    peak: dict[str, FlopsPerSecond]
    planning: bool = True


class Power(Sourced):
    """One power figure of the device [W]."""

    value: Watts | None = None


class Link(Sourced):
    """A way out of the device.

    ``bandwidth`` is one way for one device, ``devices`` how many it joins, ``latency`` of one hop.
    """

    type: str
    bandwidth: BytesPerSecond | None = None
    devices: PositiveInt | None = None
    latency: Seconds | None = None


class System(Sourced):
    """The smallest unit the device is sold in."""

    name: str
    devices: PositiveInt | None = None
    power: Watts | None = None


class Remark(Sourced):
    """How the device is used, in words."""

    text: str


class Device(BaseModel):
    """One hardware profile.

    Attributes
    ----------
    memory
        Tiers, fastest first.
    status, availability
        Whether it can be had today, and the source's own words where they say more.
    idle, idle_loaded
        Draw without any process, and with weights loaded but no request.
    execution
        How the device runs a model, with measured constants; None: defaults of its family.
    software
        The same under other serving software than the usual (an older release, llama.cpp), by a name
        that a scenario may ask for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    vendor: str
    year: int
    status: Literal["shipping", "announced"] = "shipping"
    availability: str | None = None
    family: str
    memory: tuple[MemoryTier, ...] = Field(min_length=1)
    compute: tuple[Compute, ...] = Field(min_length=1)
    tdp: Power | None = None
    idle: Power | None = None
    idle_loaded: Power | None = None
    scale_up: Link | None = None
    scale_out: Link | None = None
    host_link: Link | None = None
    system: System | None = None
    layout: Remark | None = None
    determinism: Remark | None = None
    batching: Remark | None = None
    notes: str | None = None
    sources: dict[str, str] = Field(default_factory=dict)
    execution: Execution | None = None
    software: dict[str, Execution] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_main_memory(self) -> Self:
        if not any(tier.tier not in _OFF_DEVICE for tier in self.memory):
            raise ValueError("memory: at least one tier must be on the device")
        return self

    @model_validator(mode="after")
    def _idles_within_its_limit(self) -> Self:
        for name, watts in (("idle", self.idle_w), ("idle_loaded", self.idle_loaded_w)):
            if watts is not None and self.tdp_w is not None and watts > self.tdp_w:
                raise ValueError(
                    f"{name}: {watts:g} W without work is more than the limit, tdp {self.tdp_w:g} W"
                )
        return self

    @property
    def main_memory(self) -> MemoryTier:
        """The tier that holds weights and KV cache: the largest on the device."""
        own = [tier for tier in self.memory if tier.tier not in _OFF_DEVICE]
        return max(own, key=lambda tier: tier.capacity or 0.0)

    def memory_tier(self, name: str) -> MemoryTier | None:
        """The tier of this name, None where the device has none."""
        return next((tier for tier in self.memory if tier.tier == name), None)

    def with_power(self, limit_w: float | None, idle_loaded_w: float | None) -> Device:
        """The same device with another power limit and draw without requests [W], where given.

        Raises
        ------
        InputError
            Where it draws more without requests than the limit is.
        """
        given = {"tdp": limit_w, "idle_loaded": idle_loaded_w}
        given_by = {"source": ["given in the scenario"], "confidence": "estimate"}
        changed = self.model_copy(
            update={
                name: Power.model_validate({"value": f"{watts} W", **given_by})
                for name, watts in given.items()
                if watts is not None
            }
        )
        idle_w, most_w = changed.idle_loaded_w, changed.tdp_w
        if idle_w is not None and most_w is not None and idle_w > most_w:
            raise InputError(
                f"{self.name} would draw {idle_w:g} W without requests (idle), more than its limit of"
                f" {most_w:g} W; give both limit and idle, or one that fits the profile's other"
            )
        return changed

    def execution_under(self, software: str | None) -> Execution | None:
        """How the device runs a model under this serving software; None: the usual one.

        Raises
        ------
        InputError
            Where the profile has no constants for that software.
        """
        if software is None:
            return self.execution
        if software not in self.software:
            known = ", ".join(self.software) or "none"
            raise InputError(
                f"{self.name} has no constants for software {software!r}{nearest(software, self.software)};"
                f" known are: {known}",
                key="latency.software",
            )
        return self.software[software]

    @property
    def peak_flops(self) -> dict[str, float]:
        """Dense peak by number format [FLOP/s], as far as a source supports it."""
        return {dtype: rate for group in self.compute if group.planning for dtype, rate in group.peak.items()}

    @property
    def tdp_w(self) -> float | None:
        """Power limit [W], None where not published."""
        return None if self.tdp is None else self.tdp.value

    @property
    def idle_w(self) -> float | None:
        """Draw without any process [W], None where not known."""
        return None if self.idle is None else self.idle.value

    @property
    def idle_loaded_w(self) -> float | None:
        """Draw with weights loaded and no request [W], None where not known."""
        return None if self.idle_loaded is None else self.idle_loaded.value

    @property
    def devices_per_system(self) -> int:
        """Devices in one system; 1 where not published."""
        return 1 if self.system is None or self.system.devices is None else self.system.devices

    @property
    def estimates(self) -> tuple[str, ...]:
        """Names of the groups whose numbers no source supports."""
        numbers: dict[str, Sourced | None] = {
            "tdp": self.tdp if self.tdp_w is not None else None,
            "idle": self.idle if self.idle_w is not None else None,
            "idle_loaded": self.idle_loaded if self.idle_loaded_w is not None else None,
            "scale_up": self.scale_up if self.scale_up and self.scale_up.bandwidth is not None else None,
            "scale_out": self.scale_out if self.scale_out and self.scale_out.bandwidth is not None else None,
            "host_link": self.host_link if self.host_link and self.host_link.bandwidth is not None else None,
            **{f"memory.{tier.tier}": tier for tier in self.memory},
            **{f"compute[{index}]": group for index, group in enumerate(self.compute) if group.planning},
        }
        return tuple(name for name, group in numbers.items() if group and group.confidence == "estimate")
