"""How long the requests of a scenario are and how fast they come, from a sample of its own traffic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.scenario.scenario import Scenario
from simulator.scenario.workload import WorkloadSpec
from simulator.units.random_streams import RandomStreams
from simulator.workload.build import build_workload
from simulator.workload.traffic import RequestSource

_SAMPLE = 2000
#: Where lengths are unbounded, room for requests this much longer than the longest of the sample.
_ROOM = 2

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lengths:
    """Tokens of a request, prompt and output together: mean and longest possible [tokens]."""

    mean: int
    longest: int


@dataclass(frozen=True, slots=True)
class Demand:
    """What the traffic asks for.

    Attributes
    ----------
    prompt, output
        Mean tokens of a request [tokens].
    rate
        Mean arrivals [1/s]; None in a closed loop, where the cluster itself sets the pace, and where several
        tenants or reasoning programs make the requests.
    """

    prompt: float
    output: float
    rate: float | None


def lengths_of(scenario: Scenario) -> Lengths:
    """Lengths of the scenario's traffic; of tenants the longest of any, and the mean of the one with it."""
    workloads = [tenant.workload for tenant in scenario.tenants] or [scenario.workload]
    return max((_lengths(scenario, workload) for workload in workloads), key=lambda one: one.longest)


def _lengths(scenario: Scenario, workload: WorkloadSpec) -> Lengths:
    source = _source(scenario, workload, _SAMPLE)
    _, prompt, output = _sample(source, _SAMPLE)
    totals = prompt + output
    longest = source.max_total_tokens
    return Lengths(
        mean=int(np.ceil(totals.mean())), longest=_ROOM * int(totals.max()) if longest is None else longest
    )


def demand_of(scenario: Scenario) -> Demand:
    """What the traffic of the scenario asks for, over as many requests as it will simulate."""
    source = _source(scenario, scenario.workload, scenario.requests)
    arrival, prompt, output = _sample(source, scenario.requests)
    span_s = float(arrival[-1] - arrival[0]) / 1e9
    single = not scenario.tenants and scenario.reasoning is None
    open_loop = single and source.concurrency is None and len(arrival) > 1 and span_s > 0
    rate = (len(arrival) - 1) / span_s if open_loop else None
    return Demand(float(prompt.mean()), float(output.mean()), rate)


def _source(scenario: Scenario, workload: WorkloadSpec, requests: int | None) -> RequestSource:
    duration = None if requests is not None else scenario.duration
    return build_workload(workload, RandomStreams(scenario.seed), requests, duration, scenario.workload_dir)


def _sample(source: RequestSource, most: int | None) -> tuple[Ints, Ints, Ints]:
    """Arrival [ns], prompt and output [tokens] of the first requests."""
    parts: list[tuple[Ints, ...]] = []
    count = 0
    for chunk in source.chunks():
        lengths = (chunk.prompt_tokens.astype(np.int64), chunk.output_tokens.astype(np.int64))
        parts.append((chunk.arrival_ns, *lengths))
        count += len(chunk)
        if most is not None and count >= most:
            break
    arrival, prompt, output = (np.concatenate([part[column] for part in parts])[:most] for column in range(3))
    return arrival, prompt, output
