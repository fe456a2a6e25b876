"""A machine whose processors others keep busy: its engine waits until it is given one.

A step takes then what its processes need for getting their turns, at least

    step_us + sequence_us * in flight

and what the device does meanwhile is hidden in that: models whose steps take it 6 and 20 ms take the same.
What a step at rest falls short of it is added to the engine's own work between steps, during which the device
waits.
"""

from __future__ import annotations

from dataclasses import replace

from simulator.calibration.points.setup import Host, Setup, pricer_of
from simulator.calibration.points.steady import SteadyLoad, steady_tpot_s
from simulator.scenario.backend import AutoBackendSpec

_US_PER_S = 1e6


def least_step_s(host: Host, in_flight: int) -> float:
    """What a step of so many requests takes at least on a busy host [s]."""
    return (host.step_us + host.sequence_us * in_flight) / _US_PER_S


def waiting(setup: Setup, load: SteadyLoad, host: Host) -> Setup:
    """The server of ``setup`` on such a host: between steps it waits for what they fall short of the least.

    The same where steps at rest are longer, or where the server cannot be built.
    """
    pool = setup.pools[0]
    pricer = pricer_of(setup)
    if pricer is None or not isinstance(pool.latency, AutoBackendSpec):
        return setup
    wait_s = max(least_step_s(host, load.in_flight) - steady_tpot_s(pricer, load), 0.0)
    host_us = (pool.latency.host_us or 0.0) + wait_s * _US_PER_S
    latency = pool.latency.model_copy(update={"host_us": host_us})
    return replace(setup, pools=(pool.model_copy(update={"latency": latency}), *setup.pools[1:]))
