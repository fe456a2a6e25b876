"""Small workloads for the tests of this room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simulator.scenario.workload import WorkloadSpec
from simulator.units.random_streams import RandomStreams
from simulator.workload import Traffic, build_workload
from simulator.workload.chunking import joined

Make = Callable[..., Traffic]


def workload(**changes: Any) -> WorkloadSpec:
    """A plain chat workload with changes."""
    plain = {
        "arrivals": {"process": "poisson", "rate": "10 /s"},
        "prompt_tokens": {"distribution": "lognormal", "median": 300, "sigma": 1.0, "max": 8000},
        "output_tokens": {"distribution": "lognormal", "median": 100, "sigma": 0.7, "max": 2000},
    }
    merged = {key: value for key, value in (plain | changes).items() if value is not None}
    return WorkloadSpec.model_validate(merged)


@pytest.fixture
def make() -> Make:
    """Builds a workload with changes and returns its requests."""

    def make(
        requests: int | None = 1000, seed: int = 0, duration_s: float | None = None, **changes: Any
    ) -> Traffic:
        chunk_size = changes.pop("chunk_size", 16_384)
        source = build_workload(
            workload(**changes), RandomStreams(seed), requests, duration_s, chunk_size=chunk_size
        )
        return joined(list(source.chunks()))

    return make


@pytest.fixture
def spec() -> Callable[..., WorkloadSpec]:
    """Builds the spec of a plain workload with changes."""
    return workload
