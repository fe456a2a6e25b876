"""Why the energy of a pool is not known: which device lacks which figure, or which backend knows no power."""

from __future__ import annotations

from simulator.hardware.device import Device
from simulator.latency.machine import loaded_idle_w
from simulator.simulation.pools import PreparedPool

#: Backends whose step times know nothing of the devices, and what they are.
_WITHOUT_POWER = {
    "linear": "step times of latency.backend 'linear' are coefficients without power",
    "fitted": "step times of latency.backend 'fitted' were measured without power",
    "decode_offload": "nothing is known of the draw while decodes are offloaded (latency.backend)",
}


def unknown_power(number: int, pool: PreparedPool) -> tuple[str, ...]:
    """Phrases on what is missing of the pool with this number, and what says it; empty where nothing is.

    Devices beside the replicas (of a draft, of decode offload) are told from the pool's own.
    """
    key = f"cluster.pools.{number}"
    backend = pool.spec.latency.backend
    if backend in _WITHOUT_POWER:
        return (f"{_WITHOUT_POWER[backend]}; leave {key}.latency out for those of the profile",)
    found = _missing_of_own(key, pool.device)
    found += [text for device, _ in pool.backend.partners for text in _missing_beside(device)]
    execution = pool.device.execution
    if not found and execution is not None and getattr(execution, "busy_power", 1.0) is None:
        found.append(f"the draw of a busy {pool.device.name} is not known (busy_power in its profile)")
    return tuple(found)


def _missing_of_own(key: str, device: Device) -> list[str]:
    idle, limit = loaded_idle_w(device), device.tdp_w
    if idle is None and limit is None:
        return [f"no power figures for {device.name}; say {key}.power.limit and {key}.power.idle"]
    if idle is None:
        return [f"no idle draw is known of {device.name}; say {key}.power.idle"]
    return [] if limit is not None else [f"no limit is known of {device.name}; say {key}.power.limit"]


def _missing_beside(device: Device) -> list[str]:
    missing = [
        name
        for name, value in (("tdp", device.tdp_w), ("idle_loaded", loaded_idle_w(device)))
        if value is None
    ]
    if not missing:
        return []
    return [
        f"the power of {device.name} beside the replicas is not known; a profile of it with"
        f" {' and '.join(missing)} says it"
    ]
