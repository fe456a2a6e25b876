"""Small scenarios to plan with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simulator.scenario.loading import load_scenario
from simulator.scenario.scenario import Scenario

Build = Callable[..., Scenario]


@pytest.fixture
def chat() -> Build:
    """A chat service with Llama-3.1-8B: ``chat(rate=4, requests=200, hardware="nvidia-l4")``."""

    def build(
        rate: float = 4.0,
        requests: int = 200,
        hardware: str = "nvidia-h100-sxm",
        **changes: Any,
    ) -> Scenario:
        content = {
            "name": f"chat on {hardware}",
            "workload": {
                "arrivals": {"process": "poisson", "rate": f"{rate} /s"},
                "prompt_tokens": {"distribution": "lognormal", "mu": 6.0, "sigma": 0.5, "max": 2000},
                "output_tokens": {"distribution": "lognormal", "mu": 4.5, "sigma": 0.5, "max": 400},
            },
            "model": "llama-3.1-8b",
            "cluster": {"pools": [{"name": "main", "hardware": hardware}]},
            "slo": {"ttft": "2 s", "tpot": "100 ms", "attainment": 0.95},
            "requests": requests,
        }
        return load_scenario({**content, **changes})

    return build
