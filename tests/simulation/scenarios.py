"""Small scenarios for tests of whole runs."""

from __future__ import annotations

from typing import Any

from simulator.results.result import Result
from simulator.scenario.loading import load_scenario
from simulator.simulation import run_scenario

#: A chat service on one H100: a few seconds of traffic that fills a handful of seats.
SMALL: dict[str, Any] = {
    "name": "small",
    "workload": {
        "arrivals": {"process": "poisson", "rate": "8 /s"},
        "prompt_tokens": {"distribution": "lognormal", "mu": 6.0, "sigma": 0.8, "max": 3000},
        "output_tokens": {"distribution": "lognormal", "mu": 4.5, "sigma": 0.7, "max": 500},
    },
    "model": "llama-3.1-8b",
    "cluster": {
        "pools": [
            {
                "name": "main",
                "hardware": "nvidia-h100-sxm",
                "engine": {"max_model_len": 8192, "max_num_seqs": 64},
            }
        ]
    },
    "requests": 150,
}


def run(scenario: str | dict[str, Any] = SMALL, **changes: Any) -> Result:
    """Run a scenario with changes; keys with ``__`` for dots: ``cluster__pools__0__replicas=2``."""
    overrides = {key.replace("__", "."): value for key, value in changes.items()}
    return run_scenario(load_scenario(scenario, overrides))
