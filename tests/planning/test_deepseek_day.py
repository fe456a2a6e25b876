"""DeepSeek's published day, from an eighth of the cluster under an eighth of the traffic."""

from __future__ import annotations

import pytest

from simulator.planning.deepseek_day import (
    DEVICE_USD_PER_HOUR,
    DEVICES_PER_NODE,
    HOURS,
    PUBLISHED,
    USER_PACE,
    changed,
    day_of,
    full_prefill_rate,
    units_of,
)
from simulator.scenario.loading import load_scenario
from simulator.simulation import run_scenario


def test_the_scenario_serves_the_published_tokens():
    scenario = load_scenario("deepseek-day")
    per_day = scenario.workload.arrivals.rate * 86_400
    assert per_day * 3897 == pytest.approx(PUBLISHED.input_tokens_per_day, rel=0.01)
    assert per_day * 1077 == pytest.approx(PUBLISHED.output_tokens_per_day, rel=0.01)
    hit_rate = scenario.cluster.pools[0].kv_tiers[0].hit_rate
    published = PUBLISHED.cached_tokens_per_day / PUBLISHED.input_tokens_per_day
    assert hit_rate == pytest.approx(published, abs=0.001)


def test_a_saturated_prefill_unit_computes_what_its_devices_can():
    full = full_prefill_rate(load_scenario("deepseek-day"))
    # 37 B active parameters, two operations each, fp8: no more than 32 devices' peak, no less than a tenth.
    peak = 32 * 1979e12 / (2 * 37e9)
    assert 0.1 * peak < full < peak


@pytest.mark.slow
def test_nodes_cost_and_margin_of_the_published_day_come_out():
    scenario = load_scenario("deepseek-day")
    units = units_of(scenario)
    assert units.pace_with_one_fewer < USER_PACE
    eighth = changed(
        scenario,
        prefill=round(units.prefill / 8),
        decode=round(units.decode / 8),
        rate=scenario.workload.arrivals.rate / 8,
        duration=480.0,
    )
    day = day_of(run_scenario(eighth))
    nodes = 4 * units.prefill + 18 * units.decode
    cost = nodes * DEVICES_PER_NODE * DEVICE_USD_PER_HOUR * HOURS
    income = 8 * day.income_usd_per_day
    assert nodes == pytest.approx(PUBLISHED.nodes, rel=0.1)
    assert cost == pytest.approx(PUBLISHED.cost_usd_per_day, rel=0.1)
    assert income == pytest.approx(PUBLISHED.income_usd_per_day, rel=0.03)
    assert income / cost - 1 == pytest.approx(PUBLISHED.margin, rel=0.1)
    assert 20.0 <= day.user_tokens_per_s <= 22.5
    assert day.context_tokens_per_output == pytest.approx(PUBLISHED.context_tokens_per_output, rel=0.05)
