"""What is not known about a question, propagated into its answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from simulator.errors import InputError
from simulator.planning.entrant_names import chosen
from simulator.planning.size.size import size
from simulator.planning.size.tables import spread_table
from simulator.planning.size.uncertainty import drawn, spread_of
from simulator.results.latencies import latencies_of
from simulator.scenario.loading import load_scenario
from simulator.simulation import run_scenario

ROOT = Path(__file__).parents[3]
STEP = {"backend": "linear", "base_ns": 4_000_000, "prefill_token_ns": 20_000, "decode_token_ns": 50_000}


def scaled(factor: float) -> dict[str, object]:
    return {name: int(value * factor) if name.endswith("_ns") else value for name, value in STEP.items()}


def cluster(latency: dict[str, object]) -> dict[str, object]:
    return {"pools": [{"name": "main", "hardware": "nvidia-h100-sxm", "latency": latency}]}


def test_slower_steps_are_faster_arrivals_and_stricter_objectives_on_another_clock(chat):
    """Every step twice as long, against the same cluster on a clock that runs half as fast."""
    slow = run_scenario(chat(rate=6.0, cluster=cluster(scaled(2.0)), warmup="0 s"))
    seen = run_scenario(drawn(chat(rate=6.0, cluster=cluster(STEP)), 2.0, 1.0))
    one, other = (latencies_of(result.recording.requests) for result in (slow, seen))
    assert one.e2e == pytest.approx(2 * other.e2e, rel=1e-6)
    assert slow.summary.attainment.overall == seen.summary.attainment.overall


@pytest.mark.slow
@pytest.mark.parametrize("told", ["README.md", "scenarios/sizing-chat.yaml"])
def test_the_shipped_question_is_answered_as_its_header_says(shipped_spreads, told):
    assert f'"{shipped_spreads[0].sentence()}"' in (ROOT / told).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def shipped_spreads():
    """Of the two cheapest of its seven devices: the draws of one say nothing of another's."""
    scenario = load_scenario("sizing-chat")
    cheapest = chosen(["amd-mi300x", "nvidia-h100-sxm"], scenario.size.hardware, ())
    return spread_of(size(scenario, cheapest))


@pytest.mark.slow
def test_the_answer_spreads_with_what_is_not_known(chat):
    pool = {"name": "main", "hardware": "nvidia-l4", "price": "1 USD/hour"}
    unknown = {"uncertainty": {"step_time": 0.15, "rate": [0.5, 2.0], "draws": 12}}
    scenario = chat(rate=12.0, requests=500, cluster={"pools": [pool]}, size=unknown)
    answer = size(scenario, jobs=1)
    (spread,) = spread_of(answer, jobs=1)
    assert spread.low <= spread.likely <= spread.high
    assert spread.low < spread.high
    assert spread.low <= answer.best.units <= spread.high
    assert sum(spread.units.values()) + spread.impossible == 12
    assert spread.usd_low < spread.usd_high and spread.wins == pytest.approx(1 - spread.impossible / 12)
    assert "most likely" in spread_table([spread]).rows[0][0]
    unpriced = replace(spread, hardware="acme-x1", usd_mid=None)
    assert "none is known of acme-x1" in spread_table([spread, unpriced]).note


def test_what_is_known_exactly_has_no_spread(chat):
    pool = {"name": "main", "hardware": "nvidia-l4", "price": "1 USD/hour"}
    known = {"uncertainty": {"step_time": 0.0, "rate": [1.0, 1.0], "draws": 3}}
    answer = size(chat(rate=8.0, requests=400, cluster={"pools": [pool]}, size=known), jobs=1)
    (spread,) = spread_of(answer, jobs=1)
    assert spread.low == spread.high
    assert spread.usd_low == pytest.approx(spread.usd_high)
    assert spread.sentence() == f"{spread.likely} nvidia-l4"


def test_a_closed_loop_has_no_rate_to_vary(chat):
    closed = chat(
        workload={
            "arrivals": {"process": "closed_loop", "concurrency": 4},
            "prompt_tokens": {"distribution": "fixed", "tokens": 100},
            "output_tokens": {"distribution": "fixed", "tokens": 10},
        }
    )
    with pytest.raises(InputError, match="arrivals with a rate"):
        drawn(closed, 1.0, 1.0)
