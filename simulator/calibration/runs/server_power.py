"""Draw of a whole server at the wall, for runs that measured it there and describe what else draws power.

    wall = host + devices idle + standby + dynamic energy of the steps

with the host's parts (boards and fans, processors, links, network, storage) and the device's idle and standby
draw as the run's own description of its server gives them: a device stays at its standby draw for a while
after it has worked. Memory modules count once, for their number is not stated.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from simulator.results.recording import PoolRecording, Recording
from simulator.units.clock import NS_PER_S

Parts = dict[str, Any]


def wall_figures(recording: Recording, parts: Parts, devices: int) -> dict[str, float]:
    """Mean power [W] and energy [J] from the start of the load to its last token; empty where unknown.

    ``parts`` is the description of the server, ``devices`` how many it has at work.
    """
    device, idle_w = next(iter((parts.get("npu") or {}).values()), None), idle_of(parts)
    if (
        device is None
        or idle_w is None
        or "base_node_power" not in parts
        or not recording.requests.finish_ns.size
    ):
        return {}
    span_s = float(np.ceil(recording.requests.finish_ns.max() / NS_PER_S))
    dynamic = sum(
        float(pool.windows.prefill_j.sum() + pool.windows.decode_j.sum()) for pool in recording.pools
    )
    if not np.isfinite(dynamic):
        return {}
    standby_w = float(device.get("standby_power", idle_w))
    after_s = float(device.get("standby_duration", 0.0))
    standing_by = sum(_standby_s(pool, after_s) for pool in recording.pools)
    energy = span_s * (host_w(parts) + devices * idle_w) + dynamic
    energy += devices * standing_by * (standby_w - idle_w)
    return {"energy_j": energy, "power_mean_w": energy / span_s}


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


def _standby_s(pool: PoolRecording, after_s: float) -> float:
    """Time without work of at most ``after_s`` since the last [s], to a window."""
    windows = pool.windows
    width_s = windows.width_ns / NS_PER_S
    numbers = np.arange(len(windows.steps))
    last_busy = np.maximum.accumulate(np.where(windows.steps > 0, numbers, -1))
    since_s = (numbers - last_busy) * width_s
    waiting = (windows.steps == 0) & (last_busy >= 0) & (since_s <= after_s)
    return float(waiting.sum()) * width_s
