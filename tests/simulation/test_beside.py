"""Devices beside the replicas count wherever devices are counted."""

from __future__ import annotations

import pytest

from simulator.planning.size.families import Family
from simulator.reporting.hardware import devices_in_words, replica_in_words
from simulator.results.context import RunContext
from simulator.scenario.loading import load_scenario
from tests.simulation.scenarios import SMALL, run

H100, LPU = "nvidia-h100-sxm", "groq-lpu-v1"
POOL = "cluster__pools__0__"


def offloaded(partner, devices, **changes):
    """Two replicas of one H100, each with so many devices beside it for the feed-forward part."""
    latency = {"backend": "decode_offload", "partner": partner, "devices": devices, "bandwidth": "100 GB/s"}
    return {f"{POOL}latency": latency, f"{POOL}replicas": 2, **changes}


def test_chips_servers_and_headline_have_them():
    result = run(**offloaded(LPU, 100))
    figures, pool = result.summary.to_dict(), result.context.pools[0]
    assert figures["devices"] == 202 == figures["pools"][0]["devices"]
    assert figures["systems"] == 1 + 25
    assert figures["pools"][0]["devices_beside"][0]["count"] == 100
    assert replica_in_words(pool) == "(1 × NVIDIA H100 SXM5 + 100 × Groq LPU v1 (GroqChip TSP, 14 nm))"
    words = devices_in_words(pool, result.summary.pools[0])
    assert words == "2 × NVIDIA H100 SXM5 + 200 × Groq LPU v1 (GroqChip TSP, 14 nm)"


def test_their_making_is_in_the_embodied_carbon():
    alone, pair = run(**{f"{POOL}replicas": 2}), run(**offloaded(H100, 3))
    each = alone.context.pools[0].embodied_kg
    assert pair.context.pools[0].embodied_kg.mid == pytest.approx(4 * each.mid)
    per_s = [one.summary.carbon.embodied_kg.mid / one.summary.duration_s for one in (alone, pair)]
    assert per_s[1] == pytest.approx(4 * per_s[0])


def test_where_that_is_not_known_of_one_the_sum_is_not():
    assert run(**offloaded(LPU, 100)).summary.carbon.embodied_kg is None


def test_hosts_are_those_of_all_devices():
    given = run(**offloaded(H100, 3, **{f"{POOL}power": {"host": "100 W"}}))
    assert given.context.pools[0].host_w.mid == pytest.approx(400.0)
    shipped = [run(**one).context.pools[0].host_w.mid for one in ({}, offloaded(H100, 3))]
    assert shipped[1] == pytest.approx(4 * shipped[0])


def test_a_unit_to_be_sized_has_them():
    changes = {**offloaded(LPU, 100), f"{POOL}replicas": 1}
    unit = load_scenario(SMALL, {key.replace("__", "."): value for key, value in changes.items()})
    assert Family(H100, "", unit, (1,)).devices == 101


def test_a_stored_context_keeps_them():
    context = run(**offloaded(LPU, 100)).context
    assert RunContext.from_dict(context.to_dict()) == context
