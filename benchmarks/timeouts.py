"""The yardstick: what one bare SimPy timeout costs on this machine, now.

Costs given as multiples of it compare across machines, and a slow moment slows both sides.
Measure it in the same process as what it is to be compared with.
"""

from __future__ import annotations

import time
from collections.abc import Generator


def timeout_cost_s(timeouts: int = 1_000_000, repeats: int = 3) -> float:
    """Best time of one timeout [s]: one process that yields ``env.timeout(1)`` and nothing else."""
    return min(_run_s(timeouts) for _ in range(repeats)) / timeouts


def _run_s(timeouts: int) -> float:
    import simpy

    def ticks(env: simpy.Environment) -> Generator[simpy.Event, None, None]:
        for _ in range(timeouts):
            yield env.timeout(1)

    env = simpy.Environment()
    env.process(ticks(env))
    start = time.perf_counter()
    env.run()
    return time.perf_counter() - start
