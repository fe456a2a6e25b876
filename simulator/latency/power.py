"""Energy of a step from how hard it uses the device while it works.

Draw of a busy device, as a share of its TDP above idle:

    dynamic = busy + memory * bytes / (busy time * bandwidth) + compute * sqrt(flops / (busy time * peak))

cut off where idle plus dynamic would pass ``ceiling``. The busy time is the step without what the device
waits for the host, and for the busiest of the ranks that share the experts: who waits draws little above
idle. A square root, because products on few tokens fill the units badly and cost more each.
Fitted to text models of ML.ENERGY (vLLM 0.11.1) with times as predicted; energy per output token of models
left out is met within 7.5 % (dense) and 7.8 % (mixtures of experts), medians over H100 and B200. Of a score
of forms (linear or root in either use, draw apart during exchange and launches, products padded to tiles) the
simplest within a point of the best. Idle is the draw with weights loaded, and is charged by time, not by
step.

The phases of a mixed step share its energy by the time each would need at peak rates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.hardware.execution import Power

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PhaseWork:
    """What one phase of many steps does on one device, shape (n,) each: bytes and FLOPs."""

    bytes: Floats
    flops: Floats

    def seconds_at_peak(self, bandwidth: float, peak: float) -> Floats:
        """Time at peak rates, memory and compute one after the other [s]."""
        return self.bytes / bandwidth + self.flops / peak


def step_energy_j(
    power: Power,
    tdp_w: float | None,
    idle_w: float | None,
    busy_s: Floats,
    prefill: PhaseWork,
    decode: PhaseWork,
    bandwidth: float,
    peak: float,
) -> tuple[Floats, Floats]:
    """Dynamic energy of prefill and decode on one device [J]; NaN where TDP or idle are unknown.

    ``busy_s`` is how long the device works in each step [s], shape (n,).
    """
    if tdp_w is None or idle_w is None:
        return np.full(len(busy_s), np.nan), np.full(len(busy_s), np.nan)
    busy = np.maximum(busy_s, 1e-12)
    memory_use = np.minimum((prefill.bytes + decode.bytes) / (busy * bandwidth), 1.0)
    compute_use = np.minimum((prefill.flops + decode.flops) / (busy * peak), 1.0)
    share = power.busy + power.memory * memory_use + power.compute * np.sqrt(compute_use)
    dynamic_w = np.minimum(np.maximum(share * tdp_w, 0.0), max(power.ceiling * tdp_w - idle_w, 0.0))
    prefill_s = prefill.seconds_at_peak(bandwidth, peak)
    decode_s = decode.seconds_at_peak(bandwidth, peak)
    prefill_share = prefill_s / np.maximum(prefill_s + decode_s, 1e-30)
    energy = dynamic_w * busy_s
    return energy * prefill_share, energy * (1.0 - prefill_share)
