"""How long the requests of a scenario are, from a sample of its own traffic."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

from simulator.scenario.scenario import Scenario
from simulator.units.random_streams import RandomStreams
from simulator.workload.build import build_workload

_SAMPLE = 2000
#: Where lengths are unbounded, room for requests this much longer than the longest of the sample.
_ROOM = 2


@dataclass(frozen=True, slots=True)
class Lengths:
    """Tokens of a request, prompt and output together: mean and longest possible [tokens]."""

    mean: int
    longest: int


def lengths_of(scenario: Scenario) -> Lengths:
    """Lengths of the scenario's traffic."""
    source = build_workload(
        scenario.workload, RandomStreams(scenario.seed), _SAMPLE, None, scenario.workload_dir
    )
    totals = chain.from_iterable(
        (chunk.prompt_tokens + chunk.output_tokens).tolist() for chunk in source.chunks()
    )
    sample = np.fromiter(islice(totals, _SAMPLE), dtype=np.int64)
    longest = source.max_total_tokens
    return Lengths(
        mean=int(np.ceil(sample.mean())),
        longest=_ROOM * int(sample.max()) if longest is None else longest,
    )
