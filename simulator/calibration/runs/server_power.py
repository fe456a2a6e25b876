"""Draw of a whole server at the wall, for runs that measured it there and describe what else draws power.

    wall = host + devices idle + standby + dynamic energy of the steps

with the host's parts (boards and fans, processors, links, network, storage) and the device's idle and standby
draw as the run's own description of its server gives them: a device stays at its standby draw for a while
after it has worked. Memory modules count once, for their number is not stated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.results.recording import Floats, Ints, Recording
from simulator.units.clock import NS_PER_S

Parts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PowerSeries:
    """Draw [W] in windows of ``width_s`` from the start of a run, shape (windows,)."""

    width_s: float
    watts: Floats

    @property
    def energy_j(self) -> float:
        """Over all windows [J]."""
        return float(self.watts.sum()) * self.width_s


def device_series(
    recording: Recording, parts: Parts, idle_w: float | None, devices: int
) -> PowerSeries | None:
    """Draw of the devices at work from the start of the load to its last token; None where unknown.

    ``parts`` is the description of the server, as far as there is one, ``idle_w`` what one of ``devices``
    draws with nothing to do [W].
    """
    finish_ns = recording.requests.finish_ns
    if idle_w is None or not finish_ns.size or not recording.pools:
        return None
    width_s = recording.pools[0].windows.width_ns / NS_PER_S
    watts = np.full(int(np.ceil(np.ceil(finish_ns.max() / NS_PER_S) / width_s)), devices * idle_w)
    device: Parts = next(iter((parts.get("npu") or {}).values()), {})
    standby_w = float(device.get("standby_power", idle_w))
    after_s = float(device.get("standby_duration", 0.0))
    for pool in recording.pools:
        windows = pool.windows
        dynamic_w = (windows.prefill_j + windows.decode_j)[: len(watts)] / width_s
        watts[: len(dynamic_w)] += dynamic_w
        # what comes after the last step still stands by
        steps = np.pad(windows.steps[: len(watts)], (0, max(len(watts) - len(windows.steps), 0)))
        watts += devices * (standby_w - idle_w) * _stands_by(steps, width_s, after_s)
    return PowerSeries(width_s, watts) if np.isfinite(watts).all() else None


def wall_series(recording: Recording, parts: Parts, devices: int) -> PowerSeries | None:
    """The same of the whole server; None where it is not described or the draw of its devices is unknown."""
    if "base_node_power" not in parts:
        return None
    series = device_series(recording, parts, idle_of(parts), devices)
    return None if series is None else PowerSeries(series.width_s, series.watts + host_w(parts))


def wall_figures(recording: Recording, parts: Parts, devices: int) -> dict[str, float]:
    """Mean power [W] and energy [J] from the start of the load to its last token; empty where unknown.

    ``parts`` is the description of the server, ``devices`` how many it has at work.
    """
    series = wall_series(recording, parts, devices)
    if series is None:
        return {}
    return {"energy_j": series.energy_j, "power_mean_w": float(series.watts.mean())}


def idle_of(parts: Parts) -> float | None:
    """Idle draw of one device [W], None where it is not stated."""
    device = next(iter((parts.get("npu") or {}).values()), None)
    return None if device is None else float(device["idle_power"])


def host_w(parts: Parts) -> float:
    """Draw of everything but the devices [W]."""
    return float(parts["base_node_power"]) + sum(_parts_w(parts))


def _parts_w(parts: Parts) -> Iterator[float]:
    for name, count in (
        ("dram", None),
        ("link", "num_links"),
        ("nic", "num_nics"),
        ("storage", "num_devices"),
    ):
        part = parts.get(name) or {}
        yield float(part.get("idle_power", 0.0)) * float(part.get(count, 1) if count else 1)
    processor = parts.get("cpu") or {}
    idle = float(processor.get("idle_power", 0.0))
    yield idle + float(processor.get("util", 0.0)) * (float(processor.get("active_power", idle)) - idle)


def _stands_by(steps: Ints, width_s: float, after_s: float) -> NDArray[np.bool_]:
    """Windows without work at most ``after_s`` after the last one with some [s]."""
    numbers = np.arange(len(steps))
    last_busy = np.maximum.accumulate(np.where(steps > 0, numbers, -1))
    stands: NDArray[np.bool_] = (steps == 0) & (last_busy >= 0) & ((numbers - last_busy) * width_s <= after_s)
    return stands
