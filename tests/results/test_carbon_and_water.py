"""Carbon and water of a run: by region, by hour of the day, of the hardware."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.results.context import Site
from simulator.results.ranges import Range
from simulator.results.summary import summarise
from tests.results.recordings import S, context, one_server, with_fleet, with_pool

RECORDING = one_server(np.arange(10.0))  # 9.2 s
YEAR_S = 365.25 * 24 * 3600


def test_operation_emits_what_the_grid_does_for_the_facility():
    summary = summarise(RECORDING, context())
    kwh = 1.5 * summary.energy.total_j / 3.6e6
    assert summary.carbon.operational_kg.mid == pytest.approx(0.36 * kwh)
    assert summary.carbon.per_request_g.mid == pytest.approx(36 * kwh)


def test_an_unknown_grid_leaves_the_energy_known_and_the_carbon_unknown():
    summary = summarise(RECORDING, context(site=Site(pue=Range.exactly(1.2))))
    assert summary.energy.facility_j is not None
    assert summary.carbon.operational_kg is None
    assert summary.cost.electricity is None


def test_energy_meets_the_intensity_of_its_hour():
    by_hour = tuple(0.1 if hour == 5 else 0.9 for hour in range(24))
    site = replace(context().site, grid_kg_per_kwh_by_hour=by_hour, first_hour=5)
    # an hour and a half of sparse traffic: the first hour at 0.1, the rest at 0.9
    recording = one_server(np.arange(0.0, 5400.0, 10.0), width_ns=60 * S)
    carbon = summarise(recording, context(site=site)).carbon
    facility = summarise(recording, context(site=site)).energy.facility_j.mid / 3.6e6
    assert carbon.operational_kg.mid / facility == pytest.approx(0.1 * 2 / 3 + 0.9 / 3, rel=0.01)


def test_idle_energy_meets_the_hour_in_which_the_machines_were_on():
    by_hour = tuple(0.1 if hour == 5 else 0.9 for hour in range(24))
    site = replace(context().site, grid_kg_per_kwh_by_hour=by_hour, first_hour=5)
    # Idle draw is nearly all there is: ten machines in the clean hour, one in the half hour after it.
    recording = with_fleet(one_server([0.0, 5390.0], width_ns=60 * S), [0, 3600 * S], [10, 1])
    summary = summarise(recording, context(site=site))
    clean = 10 * 3600 / (10 * 3600 + 1800)
    intensity = summary.carbon.operational_kg.mid / (summary.energy.facility_j.mid / 3.6e6)
    assert intensity == pytest.approx(0.1 * clean + 0.9 * (1 - clean), rel=0.01)


def test_hosts_draw_in_every_hour_in_which_their_machines_are_on():
    """One hour without a gap at 0.6 kg/kWh, then one of near rest that emits nothing."""
    by_hour = (0.6, *[0.0] * 23)
    site = replace(context().site, pue=Range.exactly(1.0), grid_kg_per_kwh_by_hour=by_hour)
    busy = np.arange(18_000) * 0.2
    recording = one_server([*(busy - 1e-3).clip(0), 7199.0], width_ns=10 * S)
    about = with_pool(context(site=site), devices_per_replica=2, host_w=Range(100.0, 200.0, 400.0))
    summary = summarise(recording, about)
    # 100 W at rest, two devices with hosts of 200 W, and 7 J for each request.
    first_hour_j = 3600 * (100 + 2 * 200) + 18_000 * 7.0
    assert summary.carbon.operational_kg.mid == pytest.approx(0.6 * first_hour_j / 3.6e6, rel=2e-3)


def test_hours_share_the_energy_of_the_hosts_that_are_known():
    by_hour = (0.6, *[0.0] * 23)
    site = replace(context().site, grid_kg_per_kwh_by_hour=by_hour)
    recording = one_server([0.0, 7199.0], width_ns=10 * S)
    pool, about = recording.pools[0], context(site=site)
    other = replace(about.pools[0], name="other", host_w=None)
    known = replace(about.pools[0], host_w=Range.exactly(500.0))
    first = with_fleet(recording, [0, 3600 * S], [1, 0]).pools[0]
    # The known hosts are on in the first hour only: 600 W and 100 W in it, 100 W after it.
    summary = summarise(
        replace(recording, pools=(first, replace(pool, name="other"))),
        replace(about, pools=(known, other)),
    )
    intensity = summary.carbon.operational_kg.mid / (summary.energy.facility_j.mid / 3.6e6)
    assert intensity == pytest.approx(0.6 * 700 / 800, rel=5e-3)


def test_embodied_carbon_stands_apart_and_is_spread_over_the_life():
    about = with_pool(context(life_years=3.0), embodied_kg=Range(100.0, 300.0, 300.0))
    carbon = summarise(RECORDING, about).carbon
    assert carbon.embodied_kg.mid == pytest.approx(300 * 9.2 / (3 * YEAR_S))
    assert carbon.embodied_per_request_g.low == pytest.approx(1e3 * 100 * 9.2 / (3 * YEAR_S) / 10)
    assert carbon.operational_kg == summarise(RECORDING, context()).carbon.operational_kg


def test_water_is_that_of_the_site_and_of_the_electricity():
    site = replace(context().site, site_l_per_kwh=Range(0.1, 0.5, 1.0), grid_l_per_kwh=Range.exactly(3.0))
    summary = summarise(RECORDING, context(site=site))
    it_kwh = summary.energy.total_j / 3.6e6
    assert summary.water.litres.mid == pytest.approx(it_kwh * (0.5 + 1.5 * 3.0))
    assert summary.water.site_litres.high == pytest.approx(it_kwh)
    assert summary.water.per_request_ml.mid == pytest.approx(100 * summary.water.litres.mid)


def test_without_the_water_of_the_grid_water_is_unknown():
    site = replace(context().site, site_l_per_kwh=Range.exactly(0.5))
    summary = summarise(RECORDING, context(site=site))
    assert summary.water.litres is None
    assert any(message.startswith("Water is unknown: name prices.region") for message in summary.messages)


def test_without_the_grid_carbon_is_unknown_and_the_message_says_where_to_name_it():
    site = replace(context().site, grid_kg_per_kwh=None, grid_kg_per_kwh_by_hour=None)
    summary = summarise(RECORDING, context(site=site))
    assert summary.carbon.operational_kg is None
    (told,) = [message for message in summary.messages if message.startswith("Carbon is unknown")]
    assert "prices.region" in told and "prices.grid_carbon" in told
