"""Time and energy per output token of a closed loop in closed form, where simulating would take too long.

With ``c`` requests in flight a token takes a decode step of all of them, and each answer that ends is
replaced by a request whose prompt rides along in some step:

    per step = decode(c) + replacements * (mixed(prompt, c - 1) - decode(c - 1))

for time and for energy. Queueing is left out; simulations of the same points differ by 2 % in the median.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

from simulator.calibration.points.load import Ints
from simulator.latency.pricer import Step, StepColumns, StepPricer
from simulator.units.clock import NS_PER_S


@dataclass(frozen=True, slots=True)
class SteadyLoad:
    """A closed loop.

    Attributes
    ----------
    in_flight
        Requests.
    prompt
        Mean prompt [tokens].
    context
        Mean context of a running request [tokens].
    replacements
        Answers that end in a step and are replaced [1].
    drafts
        Draft tokens of each that a step verifies.
    """

    in_flight: int
    prompt: float
    context: float
    replacements: float
    drafts: int = 0


def stationary(in_flight: int, prompt: float, output: float) -> SteadyLoad:
    """A loop that has run for long, with outputs of nearly one length: each of the others ends once an
    answer.
    """
    return SteadyLoad(in_flight, prompt, prompt + output / 2, (in_flight - 1) / output)


def filled_at_once(in_flight: int, prompt: float, outputs: Ints) -> SteadyLoad:
    """A run whose seats were all filled at once, from then until its last request has a seat."""
    ends, starts = [0] * in_flight, []
    for output in outputs.tolist():
        starts.append(heapq.heappop(ends))
        heapq.heappush(ends, starts[-1] + output)
    last = max(max(starts), 1)
    said = np.minimum(np.array(starts) + outputs, last) - np.array(starts)
    age = float((said.astype(float) ** 2).sum()) / (2 * last * in_flight)
    return SteadyLoad(in_flight, prompt, prompt + age, (len(outputs) - in_flight) / last)


def steady_tpot_s(pricer: StepPricer, load: SteadyLoad) -> float:
    """Time per output token [s]; where drafts are verified, per verification."""
    times = [pricer.step_ns(*step) for step in _steps(load)]
    return _per_step(load, times) / NS_PER_S


def steady_dynamic_j(pricer: StepPricer, load: SteadyLoad) -> float:
    """Energy above idle per output token [J] of all devices; NaN where unknown."""
    steps = np.array(_steps(load), dtype=np.int64)
    times = [pricer.step_ns(*step) for step in steps.tolist()]
    costs = pricer.costs(StepColumns(np.array(times, dtype=np.int64), *steps.T))
    return _per_step(load, (costs.prefill_j + costs.decode_j).tolist()) / load.in_flight


def _steps(load: SteadyLoad) -> list[Step]:
    """A decode step of all; where others go on, one of all but one, and that with the last one's prompt."""
    whole, others = round(load.prompt), load.in_flight - 1
    few = round(others * load.context)
    together = Step.of_verifications(load.in_flight, load.drafts, round(load.in_flight * load.context))
    if not others:
        return [together]
    without = Step.of_verifications(others, load.drafts, few)
    beside = without._replace(
        prefill_tokens=whole, prefill_sequences=1, prefill_context=whole, prefill_products=whole * whole
    )
    return [together, without, beside]


def _per_step(load: SteadyLoad, values: list[float] | list[int]) -> float:
    if load.in_flight == 1:
        return float(values[0])
    all_of_them, others, mixed = values
    return all_of_them + load.replacements * (mixed - others)
