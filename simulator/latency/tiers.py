"""Weights over two tiers of memory: what fits beside the cache in the fast one, the rest behind it.

The weights take at most ``WEIGHT_SHARE`` of the fast tier, so that a cache fits beside them; what is
over lies in the slow tier and is streamed from it in every step.

SambaNova's SN40L has such tiers (520 MiB SRAM, 64 GB HBM, up to 1.5 TB DDR a socket: arXiv 2405.07518);
its DDR is meant for the weights of models that rest, so streaming from it is slow.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.latency.machine import Machine

#: Share of the fast tier that weights may take where there is a slow one behind it.
WEIGHT_SHARE = 0.75


@dataclass(frozen=True, slots=True)
class Spill:
    """How the weights of one device are spread.

    Attributes
    ----------
    fast, slow
        Bytes in each tier [bytes].
    """

    fast: float
    slow: float

    def stream_s(self, read: float, machine: Machine) -> float:
        """Time to read ``read`` bytes of the weights at peak rates, spread as all of them are [s]."""
        if not self.slow:
            return read / machine.bandwidth
        assert machine.slow is not None
        share = self.slow / (self.fast + self.slow)
        return read * ((1.0 - share) / machine.bandwidth + share / machine.slow.bandwidth)


def spill(weights: float, usable: float, machine: Machine) -> Spill:
    """Spread the weights of one device [bytes] over its tiers, ``usable`` bytes of the fast one.

    Where there is no slow tier, or not enough of it, all stays in the fast one.
    """
    fast = min(weights, WEIGHT_SHARE * usable)
    if machine.slow is None or weights - fast > machine.slow.capacity:
        return Spill(weights, 0.0)
    return Spill(fast, weights - fast)
