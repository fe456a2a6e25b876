"""The load of a scenario, and the same scenario under another."""

from __future__ import annotations

import pytest

from simulator.errors import InputError
from simulator.planning.load import FEWEST_OF_A_TENANT, apart, at_rate, rate_if_any, rate_of, shortened
from simulator.scenario.loading import load_scenario
from simulator.simulation import run_scenario

LENGTHS = {
    "prompt_tokens": {"distribution": "fixed", "tokens": 100},
    "output_tokens": {"distribution": "fixed", "tokens": 10},
}
CLOSED = {"process": "closed_loop", "concurrency": 4}


def poisson(rate):
    return {"process": "poisson", "rate": f"{rate} /s"}


def tenants(first, second, *, own=None, **changes):
    return load_scenario(
        {
            "model": "llama-3.1-8b",
            "tenants": [
                {"name": "busy", "workload": {"arrivals": first, **LENGTHS}, "slo": {"ttft": "1 s"}},
                {"name": "rare", "workload": {"arrivals": second, **LENGTHS}, **(own or {})},
            ],
            "cluster": {"pools": [{"name": "main", "hardware": "nvidia-h100-sxm"}]},
            "duration": "10 min",
            **changes,
        }
    )


def test_the_load_of_tenants_is_the_sum_of_theirs_and_turned_up_by_one_factor():
    scenario = tenants(poisson(6), poisson(2))
    assert rate_of(scenario) == 8.0
    faster = at_rate(scenario, 12.0)
    assert [one.workload.arrivals.rate for one in faster.tenants] == [9.0, 3.0]
    assert rate_of(faster) == pytest.approx(12.0)
    assert faster.workload == faster.tenants[0].workload


def test_the_tenant_without_a_rate_is_named():
    closed = tenants(poisson(6), CLOSED)
    with pytest.raises(InputError, match=r"tenants\[1\].workload.arrivals.*not 'closed_loop'"):
        rate_of(closed)
    assert rate_if_any(closed) is None


def test_tenants_are_cut_off_at_one_time():
    cut = shortened(tenants(poisson(6), poisson(2), warmup="1 min"), 400)
    assert [one.duration for one in cut.tenants] == [50.0, 50.0]
    assert cut.warmup == 0.0
    requests = run_scenario(cut).recording.requests
    assert 300 < len(requests.request) < 500


def test_a_short_trial_waits_for_the_rarest_tenant_but_no_longer_than_the_scenario_says():
    cut = shortened(tenants(poisson(20), poisson(0.1)), 400)
    assert {one.duration for one in cut.tenants} == {FEWEST_OF_A_TENANT / 0.1}
    cut = shortened(tenants(poisson(20), poisson(0.1), own={"requests": 3}, duration="1 min"), 400)
    assert [(one.requests, one.duration) for one in cut.tenants] == [(None, 60.0), (3, 400.0)]


def test_where_no_tenant_has_a_rate_their_requests_are_counted():
    cut = shortened(tenants(CLOSED, CLOSED, requests=1000), 400)
    assert [one.requests for one in cut.tenants] == [400, 400]


def test_requests_of_tenants_with_objectives_are_tried_apart_each_by_itself():
    (lonely,) = apart(tenants(poisson(6), poisson(2)))
    assert [one.name for one in lonely.tenants] == ["busy"]
    assert len(apart(tenants(poisson(6), poisson(2), slo={"ttft": "1 s"}))) == 2
    assert run_scenario(lonely).summary.attainment.met
