"""Energy follows from powers and time; the facility's from hosts and PUE."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.results.context import Site
from simulator.results.hosts import HostlessPool, MissingHosts
from simulator.results.ranges import Range
from simulator.results.summary import summarise
from tests.results.recordings import DECODE_J, PREFILL_J, S, context, one_server, with_pool

RECORDING = one_server(np.arange(10.0))  # 9.2 s, 10 requests of 11 output tokens
DYNAMIC_J = 10 * (PREFILL_J + 10 * DECODE_J)


def test_energy_is_idle_draw_all_the_time_plus_the_steps():
    energy = summarise(RECORDING, context()).energy
    assert energy.idle_j == pytest.approx(100 * 9.2)
    assert energy.prefill_j == pytest.approx(10 * PREFILL_J)
    assert energy.decode_j == pytest.approx(100 * DECODE_J)
    assert energy.total_j == pytest.approx(920 + DYNAMIC_J)
    assert energy.per_output_token_j == pytest.approx((920 + DYNAMIC_J) / 110)
    assert energy.mean_power_w == pytest.approx((920 + DYNAMIC_J) / 9.2)


def test_the_facility_multiplies_devices_and_hosts_by_the_pue():
    about = with_pool(context(), host_w=Range(10.0, 20.0, 40.0))
    energy = summarise(RECORDING, about).energy
    assert energy.host_j.mid == pytest.approx(20 * 9.2)
    assert energy.it_j.low == pytest.approx(energy.total_j + 10 * 9.2)
    assert energy.facility_j.high == pytest.approx(1.5 * (energy.total_j + 40 * 9.2))
    assert energy.facility_per_output_token_j.mid == pytest.approx(energy.facility_j.mid / 110)


def test_hosts_of_unknown_draw_are_left_out_and_said_to_be():
    summary = summarise(RECORDING, context())
    assert summary.energy.host_j is None
    assert summary.energy.facility_j.mid == pytest.approx(1.5 * summary.energy.total_j)
    (said,) = (message for message in summary.messages if message.startswith("Hosts of"))
    assert said.startswith("Hosts of test-device are left out of the energy")
    assert said.endswith("say cluster.pools.0.power.host.")
    assert summary.to_dict()["energy_leaves_out_hosts_of_pools"] == ["main"]


def test_a_pool_without_a_known_host_leaves_those_of_the_others_in():
    pool, about = RECORDING.pools[0], context()
    recording = replace(RECORDING, pools=(pool, replace(pool, name="other")))
    known = replace(about.pools[0], host_w=Range(10.0, 20.0, 40.0), devices_per_replica=3)
    other = replace(about.pools[0], name="other", device="other-device")
    summary = summarise(recording, replace(about, pools=(known, other)))
    energy = summary.energy
    assert energy.host_j.mid == pytest.approx(3 * 20 * 9.2)
    assert energy.facility_j.low == pytest.approx(1.5 * (energy.total_j + 3 * 10 * 9.2))
    mine, others = (part.facility_j.mid for part in energy.pools)
    assert mine - others == pytest.approx(1.5 * 3 * 20 * 9.2)
    assert summary.to_dict()["energy_leaves_out_hosts_of_pools"] == ["other"]
    (said,) = (message for message in summary.messages if message.startswith("Hosts of"))
    assert said.startswith("Hosts of other-device in pool 'other' are left out")
    assert said.endswith("say cluster.pools.1.power.host.")


def test_no_host_is_said_to_be_missing_where_all_are_known_or_no_energy_is():
    known = summarise(RECORDING, with_pool(context(), host_w=Range.exactly(20.0)))
    unknown = summarise(RECORDING, with_pool(context(), idle_w=None))
    for summary, told in ((known, []), (unknown, None)):
        assert summary.to_dict()["energy_leaves_out_hosts_of_pools"] == told
        assert not any(message.startswith("Hosts of") for message in summary.messages)


def test_a_draw_is_marked_by_whose_hosts_it_leaves_out():
    first, second = HostlessPool(0, "a", "x"), HostlessPool(2, "c", "y")
    assert MissingHosts((), 3).mark == ""
    assert MissingHosts((first, second), 3).mark == "without hosts of x, y"
    assert MissingHosts((first, second), 2).mark == "without hosts"


def test_energy_of_the_warm_up_is_left_out():
    whole = summarise(RECORDING, context()).energy
    later = summarise(RECORDING, context(warmup_ns=5 * S)).energy
    assert later.idle_j == pytest.approx(100 * 4.2)
    assert later.prefill_j == pytest.approx(5 * PREFILL_J)
    assert later.total_j < whole.total_j


def test_an_unknown_idle_power_makes_all_energy_carbon_and_water_unknown():
    summary = summarise(RECORDING, with_pool(context(), idle_w=None))
    kinds = ("energy", "carbon", "water")
    figures = {key: value for key, value in summary.to_dict().items() if any(kind in key for kind in kinds)}
    assert len(figures) > 20
    assert set(figures.values()) == {None}
    assert any("Energy is unknown" in message for message in summary.messages)


def test_what_is_missing_is_named_in_the_words_of_the_pool():
    messages = summarise(RECORDING, with_pool(context(), idle_w=None, no_power=("this", "that"))).messages
    assert "Energy is unknown: this; that." in messages


def test_an_unknown_step_energy_makes_all_energy_unknown():
    assert summarise(one_server([0.0], known_power=False), context()).energy.total_j is None


def test_an_unknown_pue_leaves_the_energy_of_the_devices_known():
    energy = summarise(RECORDING, context(site=Site())).energy
    assert energy.total_j is not None
    assert energy.facility_j is None
