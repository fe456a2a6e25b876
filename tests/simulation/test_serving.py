"""Latencies are those at the engine, or with a serving section those of a client of the API server."""

from __future__ import annotations

from pathlib import Path

import pytest

import simulator

FIT = """
format: fitted-backend/1
name: mine
source: a benchmark
date: '2026-11-27'
error: '3 %'
knots_ms: {1: 10.0, 512: 10.0}
request_ms: 4.0
"""


def latencies(latency: dict[str, object], **scenario: object) -> tuple[float, float]:
    """Mean TTFT and E2E [ms] of single requests of two tokens, far apart."""
    result = simulator.run(
        {
            "workload": {
                "arrivals": {"process": "constant", "rate": "1 /s"},
                "prompt_tokens": {"distribution": "fixed", "tokens": 1000},
                "output_tokens": {"distribution": "fixed", "tokens": 2},
            },
            "model": "llama-3.1-8b",
            "requests": 10,
            "cluster": {
                "pools": [
                    {
                        "name": "main",
                        "hardware": "nvidia-h100-sxm",
                        "engine": {"async_scheduling": False},
                        "latency": latency,
                    }
                ]
            },
            **scenario,
        }
    ).summary.to_dict()
    return result["mean_ttft_ms"], result["mean_e2el_ms"]


STEP = {"backend": "linear", "base_ns": 10_000_000}


def test_without_the_section_latencies_are_those_at_the_engine():
    assert latencies(STEP) == pytest.approx((10.0, 20.0))


def test_an_empty_section_has_what_the_version_takes():
    ttft, e2e = latencies(STEP, serving={})
    assert ttft == pytest.approx(10.0 + 5.10 + 1.85, abs=0.1)
    assert e2e == pytest.approx(20.0 + 5.10 + 1.85, abs=0.1)


def test_what_is_said_goes_before_the_version():
    serving = {
        "api_request": "3 ms",
        "api_prompt_token": "2 us",
        "api_token": "1 ms",
        "api_token_share": "0 s",
    }
    assert latencies(STEP, serving=serving)[0] == pytest.approx(10.0 + 3.0 + 2.0 + 1.0)


def test_a_backend_that_was_fitted_to_clients_brings_its_own(tmp_path: Path):
    (tmp_path / "mine.yaml").write_text(FIT)
    fitted = {"backend": "fitted", "file": str(tmp_path / "mine.yaml")}
    assert latencies(fitted)[0] == pytest.approx(10.0 + 4.0)
    nothing = {"api_request": "0 s", "api_token": "0 s", "api_token_share": "0 s"}
    assert latencies(fitted, serving=nothing)[0] == pytest.approx(10.0)
