"""Whoever misses energy learns which figure of which device says it."""

from __future__ import annotations

import pytest

from simulator.scenario.loading import load_scenario
from simulator.simulation.pools import prepare_pools
from simulator.simulation.unknown_power import unknown_power

DRAFT = "{method: draft_model, model: llama-3.1-8b, num_speculative_tokens: 3, acceptance: 0.7"
APART = "apart: {hardware: groq-lpu-v1, tensor: 16, round_trip: 1 ms}"


def said(*overrides: str) -> tuple[str, ...]:
    (pool,) = prepare_pools(load_scenario("azure-conv-h100", overrides))
    return unknown_power(0, pool)


def test_where_all_is_known_nothing_is_said():
    assert said() == ()


@pytest.mark.parametrize(
    ("hardware", "words"),
    [
        (
            "qualcomm-ai100-ultra",
            "no idle draw is known of Qualcomm Cloud AI 100 Ultra (4 SoCs); say cluster.pools.0.power.idle",
        ),
        (
            "google-tpu-v6e",
            "no power figures for Google TPU v6e (Trillium); say cluster.pools.0.power.limit and",
        ),
    ],
)
def test_the_pools_own_draw_is_named_with_its_key(hardware, words):
    sizes = ["model=llama-3.1-8b", "cluster.pools[0].parallelism.tensor=1"]
    (found,) = said(f"cluster.pools[0].hardware={hardware}", *sizes)
    assert found.startswith(words)


def test_what_the_scenario_says_is_missing_no_more():
    power = "cluster.pools[0].power={limit: 400 W, idle: 100 W}"
    sizes = ["model=llama-3.1-8b", "cluster.pools[0].parallelism.tensor=1"]
    assert said("cluster.pools[0].hardware=google-tpu-v6e", *sizes, power) == ()


def test_step_times_without_power_are_no_fault_of_the_device():
    (found,) = said("cluster.pools[0].latency={backend: linear, base_ns: 1000}")
    assert "'linear' are coefficients without power; leave cluster.pools.0.latency out" in found


def test_a_draft_on_devices_of_its_own_is_told_from_the_pool():
    (found,) = said(f"cluster.pools[0].speculative={DRAFT}, {APART}}}")
    assert "LPU" in found and "beside the replicas is not known" in found
    assert "H100" not in found
