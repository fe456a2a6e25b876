"""Backends compiled as a scenario would compile them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from simulator.hardware.catalogue import load_device
from simulator.latency import CompiledBackend, compile_backend
from simulator.latency.pricer import StepColumns
from simulator.models.catalogue import load_model
from simulator.scenario.backend import AutoBackendSpec, BackendSpec
from simulator.scenario.cluster import ParallelismSpec
from simulator.scenario.engine import EngineSpec

Compile = Callable[..., CompiledBackend]


@pytest.fixture(scope="session")
def compiled() -> Compile:
    """Compile a backend by names: ``compiled("nvidia-h100-sxm", "llama-3.1-8b", tensor=2)``."""

    def build(
        device: str,
        model: str,
        *,
        spec: BackendSpec | None = None,
        engine: EngineSpec | None = None,
        weights: str = "auto",
        cache: str = "auto",
        **parallelism: int,
    ) -> CompiledBackend:
        return compile_backend(
            spec or AutoBackendSpec(),
            load_model(model),
            load_device(device),
            ParallelismSpec(**parallelism),
            engine or EngineSpec(),
            weight_dtype=weights,
            kv_dtype=cache,
        )

    return build


def decode_ns(backend: CompiledBackend, sequences: int, context: int) -> int:
    """Duration of a decode-only step with ``context`` tokens in each sequence [ns]."""
    return backend.pricer.step_ns(0, 0, 0, 0, sequences, sequences, sequences * context)


def prompt_ns(backend: CompiledBackend, tokens: int, sequences: int = 1) -> int:
    """Duration of a step that computes ``sequences`` whole prompts of ``tokens`` tokens [ns]."""
    total = tokens * sequences
    return backend.pricer.step_ns(total, sequences, total, tokens * total, 0, 0, 0)


def steps(**columns: list[int]) -> StepColumns:
    """Step columns from lists; what is left out is zero."""
    length = max(len(values) for values in columns.values())
    names = StepColumns.__slots__
    return StepColumns(**{name: np.array(columns.get(name, [0] * length), dtype=np.int64) for name in names})
