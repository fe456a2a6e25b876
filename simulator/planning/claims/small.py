"""The small scenarios that experiments are made of: a closed loop on one replica."""

from __future__ import annotations

from typing import Any

from simulator.results.result import Result
from simulator.scenario.loading import load_scenario
from simulator.simulation import run_scenario

H100, H200, B200 = "nvidia-h100-sxm", "nvidia-h200-sxm", "nvidia-b200-sxm"


def served(
    model: str | dict[str, Any],
    hardware: str = H100,
    *,
    seats: int,
    requests: int,
    prompt: int = 500,
    output: int = 250,
    thinking: int = 0,
    tensor: int = 1,
    pipeline: int = 1,
    expert: int = 1,
    batch: int = 1024,
    rate: float | None = None,
    engine: dict[str, Any] | None = None,
    pool: dict[str, Any] | None = None,
    strategy: dict[str, Any] | None = None,
    quality: dict[str, Any] | None = None,
    prices: dict[str, Any] | None = None,
) -> Result:
    """Serve requests of fixed lengths.

    Parameters
    ----------
    seats
        Requests in flight (closed loop), or with ``rate`` unused.
    batch
        Most sequences in a step.
    rate
        Poisson arrivals instead of a closed loop [1/s].
    """
    arrivals: dict[str, Any] = {"process": "closed_loop", "concurrency": seats}
    if rate is not None:
        arrivals = {"process": "poisson", "rate": f"{rate} /s"}
    workload: dict[str, Any] = {
        "arrivals": arrivals,
        "prompt_tokens": {"distribution": "fixed", "tokens": prompt},
        "output_tokens": {"distribution": "fixed", "tokens": output},
    }
    if thinking:
        workload["thinking"] = {"tokens": {"distribution": "fixed", "tokens": thinking}}
    longest = 2 * (prompt + output + thinking) + 1024
    settings = {"max_num_seqs": batch, "max_model_len": longest, **(engine or {})}
    settings.setdefault("max_num_batched_tokens", max(8192, settings["max_num_seqs"]))
    one_pool = {
        "name": "main",
        "hardware": hardware,
        "parallelism": {"tensor": tensor, "pipeline": pipeline, "expert": expert},
        "engine": settings,
        **(pool or {}),
    }
    scenario: dict[str, Any] = {
        "workload": workload,
        "model": model,
        "cluster": {"pools": [one_pool]},
        "requests": requests,
        "prices": prices or {},
    }
    if strategy is not None:
        scenario["reasoning"] = {"strategy": strategy, **({"quality": quality} if quality else {})}
    return run_scenario(load_scenario(scenario))


def per_million(result: Result) -> float:
    """Cost of a million output tokens [USD]."""
    found = result.summary.cost.per_million_output_tokens_usd
    assert found is not None  # the devices of these scenarios have prices
    return found


def joules_per_token(result: Result) -> float:
    """Energy of an output token, devices only [J]."""
    found = result.summary.energy.per_output_token_j
    assert found is not None  # the devices of these scenarios have powers
    return found


def tokens_per_s(result: Result) -> float:
    """Output tokens of all requests per second [1/s]."""
    return result.summary.rate(result.summary.counts.output_tokens) or 0.0


def tpot_ms(result: Result) -> float:
    """Median time per output token [ms]."""
    found = result.summary.latency.tpot
    assert found is not None
    return found.p50
