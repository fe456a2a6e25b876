"""Rent, joules and carbon follow from time, prices and powers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.results.context import Site
from simulator.results.summary import summarise
from tests.results.recordings import DECODE_J, PREFILL_J, S, context, one_server, with_pool

RECORDING = one_server(np.arange(10.0))  # 9.2 s, 10 requests of 11 output tokens
DYNAMIC_J = 10 * (PREFILL_J + 10 * DECODE_J)


def test_rent_is_paid_for_all_devices_all_the_time():
    cost = summarise(RECORDING, context()).cost
    assert cost.total_usd == pytest.approx(3.6 * 9.2 / 3600)
    assert cost.low_usd == pytest.approx(cost.total_usd / 2)
    assert cost.high_usd == pytest.approx(cost.total_usd * 2)
    assert cost.per_hour_usd == pytest.approx(3.6)
    assert cost.per_request_usd == pytest.approx(cost.total_usd / 10)
    assert cost.per_million_output_tokens_usd == pytest.approx(cost.total_usd / 110e-6)
    assert cost.per_million_tokens_usd == pytest.approx(cost.total_usd / 1110e-6)


def test_more_devices_in_a_replica_cost_more():
    four = summarise(RECORDING, with_pool(context(), devices_per_replica=4)).cost
    assert four.total_usd == pytest.approx(4 * 3.6 * 9.2 / 3600)


def test_energy_is_idle_draw_all_the_time_plus_the_steps():
    energy = summarise(RECORDING, context()).energy
    assert energy.idle_j == pytest.approx(100 * 9.2)
    assert energy.prefill_j == pytest.approx(10 * PREFILL_J)
    assert energy.decode_j == pytest.approx(100 * DECODE_J)
    assert energy.total_j == pytest.approx(920 + DYNAMIC_J)
    assert energy.per_output_token_j == pytest.approx((920 + DYNAMIC_J) / 110)
    assert energy.mean_power_w == pytest.approx((920 + DYNAMIC_J) / 9.2)


def test_carbon_and_electricity_are_those_of_the_facility():
    energy = summarise(RECORDING, context()).energy
    kwh = 1.5 * energy.total_j / 3.6e6
    assert energy.facility_j == pytest.approx(1.5 * energy.total_j)
    assert energy.electricity_usd == pytest.approx(0.1 * kwh)
    assert energy.carbon_kg == pytest.approx(0.36 * kwh)
    assert energy.carbon_per_request_g == pytest.approx(36 * kwh)


def test_energy_of_the_warm_up_is_left_out():
    whole = summarise(RECORDING, context()).energy
    later = summarise(RECORDING, context(warmup_ns=5 * S)).energy
    assert later.idle_j == pytest.approx(100 * 4.2)
    assert later.prefill_j == pytest.approx(5 * PREFILL_J)
    assert later.total_j < whole.total_j


def test_an_unknown_idle_power_makes_all_energy_unknown():
    summary = summarise(RECORDING, with_pool(context(), idle_w=None))
    energies = [value for key, value in summary.to_dict().items() if "energy" in key or "carbon" in key]
    assert set(energies) == {None}
    assert any("no power figures for test-device" in message for message in summary.messages)


def test_an_unknown_step_energy_makes_all_energy_unknown():
    assert summarise(one_server([0.0], known_power=False), context()).energy.total_j is None


def test_an_unknown_grid_leaves_the_energy_known_and_the_carbon_unknown():
    energy = summarise(RECORDING, context(site=Site(pue=1.2))).energy
    assert energy.facility_j is not None
    assert energy.carbon_kg is None
    assert energy.electricity_usd is None


def test_one_pool_without_a_price_makes_the_total_unknown_but_not_the_other_pool():
    pool, about = RECORDING.pools[0], context()
    recording = replace(RECORDING, pools=(pool, replace(pool, name="other")))
    free = replace(about.pools[0], name="other", price=None)
    cost = summarise(recording, replace(about, pools=(about.pools[0], free))).cost
    assert cost.total_usd is None
    assert cost.by_pool_usd["main"] == pytest.approx(3.6 * 9.2 / 3600)
    assert cost.by_pool_usd["other"] is None
