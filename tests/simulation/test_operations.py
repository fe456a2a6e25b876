"""Machines that come, go and fail in whole scenarios: results, costs, refusals."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.reporting.resource_tables import pool_table
from simulator.reporting.sections import question
from simulator.results.conservation import check_conservation
from simulator.results.files import read_result, write_result
from simulator.results.fleet import mean_computing
from simulator.scenario.loading import load_scenario
from tests.simulation.scenarios import run
from tests.simulation.test_jumping import assert_identical

POOL = "cluster__pools__0__"
SCALED = {
    f"{POOL}autoscale": {
        "policy": "concurrency",
        "target": 8,
        "max": 3,
        "interval": "1 s",
        "cool_down": "5 s",
    },
    f"{POOL}start": {"provisioning": "2 s", "load_bandwidth": "8 GB/s", "engine_start": "1 s"},
    "cluster__router": "least_outstanding",
}
FAILING = {
    f"{POOL}replicas": 3,
    "cluster__failures": [
        {"component": "device", "mtbf": "20 s", "mttr": "4 s"},
        {"component": "straggler", "pool": "main", "at": "5 s", "number": 1, "lasts": "5 s", "factor": 2},
    ],
}

#: Machines that are slow now and then, seldom in the last of many planned steps.
SLOW = {
    f"{POOL}replicas": 2,
    f"{POOL}engine__max_num_seqs": 4,
    "cluster__failures": [{"component": "straggler", "mtbf": "2 s", "mttr": "1 s", "factor": 2}],
}
EVERYTHING = {
    **SCALED,
    f"{POOL}kv_tiers": [{"name": "host", "bandwidth": "2 GB/s", "capacity": "20 GB", "shared": True}],
    "cluster__failures": {
        "random": [
            {"component": "node", "mtbf": "8 s", "mttr": "2 s"},
            {"component": "straggler", "mtbf": "5 s", "mttr": "1 s"},
        ],
        "lost_requests": "fail",
        "node_devices": 2,
    },
}


def test_a_failure_planned_for_after_the_end_of_the_run_is_said_to_have_never_come():
    fault = {"component": "straggler", "pool": "main", "lasts": "5 s", "factor": 2}
    late, early = {**fault, "at": "100 h"}, {**fault, "at": "1 s"}
    result = run(cluster__failures=[early, late])
    (said,) = [message for message in result.summary.messages if "never came" in message]
    assert said.startswith("The failure of straggler 0 of pool 'main' at 360000 s never came")
    assert f"{result.recording.end_ns / 1e9:.6g} s" in said


def test_cost_and_idle_energy_follow_the_machines_that_are_on():
    fixed, scaled = run(**{f"{POOL}replicas": 3}), run(**SCALED)
    use = scaled.summary.pools[0]
    assert use.fleet is not None and 1.0 < use.fleet.mean_on < 3.0
    seconds = [result.summary.duration_s for result in (fixed, scaled)]
    per_second = [
        result.summary.cost.total_usd / length
        for result, length in zip((fixed, scaled), seconds, strict=True)
    ]
    assert per_second[1] / per_second[0] == pytest.approx(use.fleet.mean_on / 3)
    idle = [
        result.summary.energy.idle_j / length for result, length in zip((fixed, scaled), seconds, strict=True)
    ]
    assert idle[1] / idle[0] == pytest.approx(use.fleet.mean_on / 3)


#: Four replicas of which three are given up while their seats are full.
GIVEN_UP = {
    f"{POOL}replicas": 4,
    f"{POOL}engine__max_num_seqs": 4,
    f"{POOL}autoscale": {
        "policy": "schedule",
        "steps": [{"at": "0 s", "replicas": 4}, {"at": "1 s", "replicas": 1}],
        "max": 4,
        "interval": "1 s",
        "cool_down": "1 s",
    },
    "workload__arrivals__rate": "100 /s",
    "cluster__router": "least_outstanding",
}


@pytest.mark.parametrize(
    "changes",
    [GIVEN_UP, SCALED, FAILING, SLOW],
    ids=["given up", "scaled", "failing", "slow"],
)
def test_steps_fit_into_the_time_of_the_replicas_that_can_have_them(changes):
    result = run(**changes)
    (pool,), end_ns = result.recording.pools, result.recording.end_ns
    busy_ns = int(pool.windows.busy_ns.sum())
    lasted = np.diff(np.append(pool.fleet.time_ns, max(end_ns, pool.fleet.time_ns[-1])))
    assert busy_ns <= (pool.fleet.computing * lasted).sum()
    assert (pool.fleet.serving <= pool.fleet.computing).all()
    assert (pool.fleet.computing <= pool.fleet.on).all()
    use, cost = result.summary.pools[0], result.summary.cost
    assert use.utilisation == pytest.approx(busy_ns / (mean_computing(pool, 0, end_ns) * end_ns))
    assert cost.usage.mid == pytest.approx(cost.total_usd * use.busy_share / use.on_share)


def test_replicas_that_are_given_up_work_longer_than_they_serve():
    result = run(**GIVEN_UP)
    (pool,), end_ns = result.recording.pools, result.recording.end_ns
    use = result.summary.pools[0]
    assert pool.windows.busy_ns.sum() > 1.2 * use.fleet.mean_serving * end_ns
    assert 0.9 < use.utilisation < 1.0
    assert result.summary.cost.usage.mid > 0.9 * result.summary.cost.total_usd


def test_loading_takes_the_weights_over_the_bandwidth():
    scaled = run(**SCALED)
    fleet = scaled.recording.pools[0].fleet
    first_on, first_serving = (
        int(fleet.time_ns[(column > 1).argmax()]) for column in (fleet.on, fleet.serving)
    )
    weights = 16.06e9  # Llama-3.1-8B in 16 bits
    assert (first_serving - first_on) / 1e9 == pytest.approx(weights / 8e9 + 1.0, rel=0.01)


#: Conversations that come back to a small cache, with a store that is written slowly.
STORED = {
    "workload__shared_prefix": {"tokens": {"distribution": "fixed", "tokens": 900}},
    f"{POOL}engine__enable_prefix_caching": True,
    f"{POOL}engine__num_gpu_blocks": 700,
    f"{POOL}kv_tiers": [
        {"name": "store", "capacity": "50 GB", "bandwidth": "5 GB/s", "write_bandwidth": "100 MB/s"}
    ],
}


@pytest.mark.parametrize(
    "changes",
    [SCALED, FAILING, SLOW, EVERYTHING, STORED],
    ids=["scaled", "failing", "slow", "everything", "stored"],
)
def test_nothing_is_lost_and_results_are_the_same_again_and_without_jumps(changes):
    result = run(**changes)
    check_conservation(result.recording)
    assert result.recording.unfinished == 0
    assert len(result.recording.requests.request) == 150
    assert_identical(result.recording, run(**changes).recording)
    assert_identical(result.recording, run(**changes, jumping=False).recording)


def test_a_written_result_keeps_its_machines(tmp_path):
    result = run(**FAILING)
    write_result(result, tmp_path / "out")
    again = read_result(tmp_path / "out")
    assert again.summary.to_dict()["pools"][0]["fleet"] == result.summary.to_dict()["pools"][0]["fleet"]
    assert result.summary.pools[0].fleet.failures > 0


def test_the_report_shows_replicas_over_time():
    from simulator.reporting.figures import figures_of

    assert "replicas" in figures_of(run(**FAILING))
    assert "replicas" not in figures_of(run())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({f"{POOL}autoscale": {"policy": "concurrency", "target": 8, "max": 3, "min": 2}}, "between"),
        ({f"{POOL}autoscale": {"policy": "concurency", "target": 8, "max": 3}}, "concurrency"),
        ({f"{POOL}autoscale": {"policy": "slo", "target": 0.9, "max": 3}}, "objectives"),
        (
            {"cluster__failures": [{"component": "device", "mtbf": "1 h", "mttr": "1 h", "pool": "mian"}]},
            "mian",
        ),
        ({"cluster__failures": [{"component": "link", "mtbf": "1 h", "mttr": "1 h"}]}, "prefill"),
        ({"cluster__failures": [{"component": "node", "at": "1 s"}]}, "name its pool"),
        ({"cluster__failures": [{"component": "node", "at": "1 s", "pool": "main", "number": 7}]}, "node 7"),
        ({"cluster__failures": [{"component": "node", "at": "1 s", "pool": "main", "factor": 3}]}, "factor"),
        (
            {"cluster__failures": [{"component": "straggler", "at": "1 s", "pool": "main", "factor": inf}]},
            "its device fail",
        ),
        (
            {"cluster__failures": [{"component": "straggler", "at": "1 s", "pool": "main", "factor": 1e9}]},
            "10,000 times slower",
        ),
        ({f"{POOL}kv_tiers": [{"name": "host", "bandwidth": "50 GB/s"}]}, "hit_rate"),
    ],
)
def test_what_makes_no_sense_is_refused(changes, said):
    with pytest.raises(InputError, match=said):
        run(**changes)


def test_tiers_show_in_the_summary():
    tiers = [{"name": "store", "bandwidth": "50 GB/s", "hit_rate": 0.5}]
    summary = run(**{f"{POOL}kv_tiers": tiers}).summary.to_dict()
    store = summary["pools"][0]["kv_tiers"]["store"]
    assert 0.4 < store["hit_rate"] <= 0.5
    assert store["read_bytes"] > 0


@pytest.mark.parametrize("name", ["autoscaled-day", "failures-n-plus-one"])
def test_the_examples_load(name):
    assert load_scenario(name).name == name


def test_chips_and_their_limit_are_those_of_all_that_can_be_on_at_once():
    scaled, fixed = run(**SCALED), run(**{f"{POOL}replicas": 3})
    figures, expected = scaled.summary.to_dict(), fixed.summary.to_dict()
    assert scaled.context.pools[0].replicas == 1
    for key in ("devices", "systems", "power_limit_w"):
        assert figures[key] == expected[key]
    assert figures["pools"][0]["devices"] == 3 == figures["pools"][0]["fleet"]["slots"]
    assert figures["mean_power_w"] < figures["power_limit_w"]


def test_of_how_many_machines_those_served_is_said():
    idle = run(**{**SCALED, f"{POOL}autoscale": {**SCALED[f"{POOL}autoscale"], "target": 1000}})
    assert pool_table(idle).rows[0] == ("Hardware", "1 of 3 × 1 × NVIDIA H100 SXM5")


def test_machines_that_come_and_go_are_told_from_the_fewest_to_the_most():
    scaled, failing, fixed = (run(**one) for one in (SCALED, FAILING, {f"{POOL}replicas": 2}))
    fleet = scaled.summary.pools[0].fleet
    assert fleet.most_serving > fleet.fewest_serving
    most = scaled.context.pools[0].most_replicas
    of_all = "" if most == fleet.most_serving else f" of {most}"
    span = f"{fleet.fewest_serving} to {fleet.most_serving}{of_all} × 1 × NVIDIA H100 SXM5"
    assert f" on {span} under" in question(scaled)
    assert pool_table(scaled).rows[0] == ("Hardware", span)
    assert " on 3 × 1 × NVIDIA H100 SXM5 " in question(failing)
    assert " on 2 × 1 × NVIDIA H100 SXM5 " in question(fixed)


@pytest.mark.parametrize(
    "slow",
    [{"transfer": {"bandwidth": "0.001 B/s"}}, {"transfer": {"bandwidth": "1 GB/s", "latency": "1e20 s"}}],
)
def test_what_lasts_longer_than_the_clock_counts_is_refused(slow):
    pools = [
        {"name": role, "role": role, "hardware": "nvidia-h100-sxm", "replicas": 1}
        for role in ("prefill", "decode")
    ]
    with pytest.raises(InputError, match="beyond 292 years"):
        run(cluster={"pools": pools, **slow})


def test_transfers_leave_the_warm_up_out(tmp_path):
    pools = [
        {"name": role, "role": role, "hardware": "nvidia-h100-sxm", "replicas": 1}
        for role in ("prefill", "decode")
    ]
    result = run(cluster={"pools": pools, "transfer": {"bandwidth": "1 GB/s"}}, warmup="8 s")
    requests = result.recording.requests
    measured = int((requests.arrival_ns >= 8 * 10**9).sum())
    there_then = int((requests.finish_ns >= 8 * 10**9).sum())
    transfers = result.to_dict()["transfers"]
    assert 0 < measured <= transfers["arrived"] <= there_then < len(requests.request)
    (link,) = transfers["links"]
    assert 0 < link["bytes"] <= transfers["bytes"] + 1
    assert link["used_share"] == pytest.approx(link["bytes"] / 1e9 / result.summary.duration_s)
    write_result(result, tmp_path / "out")
    assert read_result(tmp_path / "out").to_dict()["transfers"] == transfers
