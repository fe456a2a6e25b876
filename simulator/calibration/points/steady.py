"""Time and energy per output token of a steady state in closed form, where simulating would take too long.

With ``c`` requests in flight a token takes a decode step of all of them, and over an answer each of the
other ``c - 1`` requests is replaced once, whose prompt rides along in some step:

    per step = decode(c) + (c - 1) / output * (mixed(prompt, c - 1) - decode(c - 1))

for time and for energy. Queueing is left out; simulations of the same points differ by 2 % in the median.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.latency.pricer import StepColumns, StepPricer
from simulator.units.clock import NS_PER_S


@dataclass(frozen=True, slots=True)
class SteadyLoad:
    """A closed loop: requests in flight, mean lengths [tokens], variation of outputs [1]."""

    in_flight: int
    prompt: float
    output: float
    variation: float = 0.0

    @property
    def context(self) -> float:
        """Mean context of a running request [tokens]: long outputs are found running more often."""
        return self.prompt + self.output * (1.0 + self.variation**2) / 2


def steady_tpot_s(pricer: StepPricer, load: SteadyLoad) -> float:
    """Time per output token [s]."""
    times = [pricer.step_ns(*step) for step in _steps(load)]
    return _per_step(load, times) / NS_PER_S


def steady_dynamic_j(pricer: StepPricer, load: SteadyLoad) -> float:
    """Energy above idle per output token [J] of all devices; NaN where unknown."""
    steps = np.array(_steps(load), dtype=np.int64)
    times = [pricer.step_ns(*step) for step in steps.tolist()]
    costs = pricer.costs(StepColumns(np.array(times, dtype=np.int64), *steps.T))
    return _per_step(load, (costs.prefill_j + costs.decode_j).tolist()) / load.in_flight


def _steps(load: SteadyLoad) -> list[tuple[int, int, int, int, int, int, int]]:
    """A decode step of all, a decode step of all but one, and the same with the prompt of the last."""
    whole, others = round(load.prompt), load.in_flight - 1
    few = round(others * load.context)
    return [
        (0, 0, 0, 0, load.in_flight, load.in_flight, round(load.in_flight * load.context)),
        (0, 0, 0, 0, others, others, few),
        (whole, 1, whole, whole * whole, others, others, few),
    ]


def _per_step(load: SteadyLoad, values: list[float] | list[int]) -> float:
    all_of_them, others, mixed = values
    if load.in_flight == 1:
        return float(all_of_them)
    return all_of_them + (load.in_flight - 1) / load.output * (mixed - others)
