"""The highest load within the objectives."""

from __future__ import annotations

import re

import pytest

from simulator.errors import InputError
from simulator.planning.capacity import RESOLUTION, capacity_of, carries
from simulator.planning.designs import only_pool
from simulator.planning.load import at_rate, rate_of
from simulator.simulation import run_scenario


def test_the_capacity_is_carried_and_a_little_more_is_not(chat):
    scenario = chat(hardware="nvidia-l4", requests=800)
    found = capacity_of(scenario, guess=1.0)
    assert found.too_much / found.rate <= RESOLUTION
    assert carries(run_scenario(at_rate(scenario, found.rate)))
    assert not carries(run_scenario(at_rate(scenario, found.too_much)))


@pytest.mark.slow
def test_the_guess_hardly_matters(chat):
    scenario = chat(hardware="nvidia-l4", requests=400)
    low, high = capacity_of(scenario, guess=0.05), capacity_of(scenario, guess=40.0)
    assert high.rate / low.rate == pytest.approx(1.0, abs=0.25)


def test_hardware_too_slow_for_one_request_carries_nothing(chat):
    scenario = chat(hardware="nvidia-l4", slo={"tpot": "10 ms"})
    found = capacity_of(scenario, guess=1.0)
    assert found.rate is None
    assert re.search(r"p99 TPOT \d+ ms, allowed are 10", found.reason)


def test_a_load_is_turned_up_without_other_requests(chat):
    slow, fast = run_scenario(chat(rate=1.0)), run_scenario(at_rate(chat(rate=1.0), 4.0))
    one, other = slow.recording.requests, fast.recording.requests
    assert sorted(one.prompt_tokens) == sorted(other.prompt_tokens)
    assert max(other.arrival_ns) == pytest.approx(max(one.arrival_ns) / 4, rel=1e-6)


def test_arrivals_without_a_rate_cannot_be_turned_up(chat):
    closed = chat(
        workload={
            "arrivals": {"process": "closed_loop", "concurrency": 4},
            "prompt_tokens": {"distribution": "fixed", "tokens": 100},
            "output_tokens": {"distribution": "fixed", "tokens": 10},
        }
    )
    with pytest.raises(InputError, match="arrivals with a rate, not 'closed_loop'"):
        rate_of(closed)


def test_a_cluster_of_several_pools_has_no_only_one(chat):
    pools = [{"name": name, "hardware": "nvidia-l4"} for name in "ab"]
    with pytest.raises(InputError, match="one pool, but there are 2"):
        only_pool(chat(cluster={"pools": pools}))
