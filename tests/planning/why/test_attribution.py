"""All of a request's time is accounted for, and under the right name."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.planning.why.attribution import attribute
from simulator.planning.why.worst import worst_request
from simulator.results.latencies import latencies_of
from simulator.simulation import run_scenario
from simulator.simulation.pools import prepare_pools


@pytest.fixture
def attributed(chat):
    def build(**changes):
        scenario = chat(record="steps", **changes)
        result = run_scenario(scenario)
        return result, attribute(result, prepare_pools(scenario))

    return build


@pytest.mark.parametrize("rate", [1.0, 30.0])
def test_the_causes_of_a_request_add_up_to_its_latency(attributed, rate):
    result, found = attributed(rate=rate)
    e2e = latencies_of(result.recording.requests).e2e[found.rows] / 1e3
    assert found.seconds.sum(axis=(1, 2)) == pytest.approx(e2e, rel=1e-6)
    assert len(found.rows) == 200
    shares = found.shares()
    assert sum(sum(causes.values()) for causes in shares.values()) == pytest.approx(1.0)


def test_decodes_of_few_sequences_are_bound_by_bandwidth(attributed):
    _, found = attributed(rate=0.5, requests=50)
    decode = found.shares()["decode"]
    assert max(decode, key=decode.get) == "bandwidth"


def test_a_full_cluster_says_what_it_is_full_of(attributed):
    def pools(**engine):
        return {"pools": [{"name": "main", "hardware": "nvidia-h100-sxm", "engine": engine}]}

    _, seats = attributed(rate=50.0, cluster=pools(max_num_seqs=4))
    waits = seats.shares()["queue"]
    assert max(waits, key=waits.get) == "seats"
    _, cache = attributed(rate=50.0, cluster=pools(num_gpu_blocks=200, max_model_len=2500))
    waits = cache.shares()["queue"]
    assert max(waits, key=waits.get) == "kv capacity"


def test_over_time_every_request_counts_once(attributed):
    _, found = attributed(rate=10.0)
    series = found.over_time(6)
    assert sum(one["requests"] for one in series) == 200
    assert [one["from_s"] for one in series] == sorted(one["from_s"] for one in series)


def test_a_split_cluster_is_attributed_too(attributed):
    pools = [
        {"name": "in", "role": "prefill", "hardware": "nvidia-h100-sxm"},
        {"name": "out", "role": "decode", "hardware": "nvidia-h100-sxm"},
    ]
    link = {"bandwidth": "50 GB/s", "latency": "10 us"}
    _, found = attributed(cluster={"pools": pools, "transfer": link})
    shares = found.shares()
    assert shares["prefill"]["compute"] > 0 and shares["decode"]["bandwidth"] > 0


def test_the_worst_request_is_the_one_furthest_beyond_its_threshold(attributed):
    result, found = attributed(rate=40.0, hardware="nvidia-l4", slo={"ttft": "1 s"})
    worst = worst_request(result, found)
    ttft = latencies_of(result.recording.requests).ttft
    assert worst.ttft_ms == pytest.approx(np.nanmax(ttft))
    times = [time for time, _ in worst.events]
    assert times == sorted(times)
    assert worst.to_dict()["causes"]["queue"]
