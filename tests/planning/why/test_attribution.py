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


FEW_BLOCKS = {"num_gpu_blocks": 300, "max_model_len": 2500}


def split(link="50 GB/s", prompts=None, outputs=None, **cluster):
    """A prefill and a decode replica with engines of their own."""
    pools = [
        {"name": "in", "role": "prefill", "hardware": "nvidia-h100-sxm", "engine": prompts or {}},
        {"name": "out", "role": "decode", "hardware": "nvidia-h100-sxm", "engine": outputs or {}},
    ]
    return {"pools": pools, "transfer": {"bandwidth": link, "latency": "10 us"}, **cluster}


def test_a_split_cluster_is_attributed_too(attributed):
    _, found = attributed(cluster=split())
    shares = found.shares()
    assert shares["prefill"]["compute"] > 0 and shares["decode"]["bandwidth"] > 0


def test_the_prefill_of_a_split_cluster_is_that_of_the_replica_that_computed_it(attributed):
    cluster = split()
    cluster["pools"][0]["replicas"] = 3
    result, found = attributed(rate=20.0, cluster=cluster)
    waits = result.recording.waits
    assert set(waits.replica.tolist()) == {0, 1, 2}
    prefill = found.shares()["prefill"]
    assert prefill.get("other", 0.0) < 0.02 * sum(prefill.values())


@pytest.mark.parametrize(
    ("cluster", "rate", "phase", "cause"),
    [
        (split(link="0.5 GB/s"), 20.0, "decode", "network"),
        (split(outputs=FEW_BLOCKS), 20.0, "decode", "decode room"),
        (split(outputs={"max_num_seqs": 2}), 20.0, "decode", "seats"),
        (split(prompts=FEW_BLOCKS, outputs=FEW_BLOCKS), 60.0, "queue", "kv capacity"),
        (split(admission={"max_outstanding": 2, "max_queue": 1000}), 20.0, "queue", "admission"),
    ],
)
def test_what_keeps_requests_outside_replicas_has_its_own_name(attributed, cluster, rate, phase, cause):
    result, found = attributed(rate=rate, cluster=cluster)
    causes = found.shares()[phase]
    assert max(causes, key=causes.get) == cause
    assert causes[cause] > 0.5
    e2e = latencies_of(result.recording.requests).e2e[found.rows] / 1e3
    assert found.seconds.sum(axis=(1, 2)) == pytest.approx(e2e, rel=1e-6)


def test_the_time_on_links_is_that_of_the_transfers(attributed):
    result, found = attributed(rate=20.0, cluster=split(link="0.5 GB/s"))
    network = found.seconds[:, 2, found.causes.index("network")]
    assert network.sum() == pytest.approx(result.recording.transfers.time_ns / 1e9)


def test_the_steps_of_an_output_are_as_many_as_its_tokens(attributed):
    """Steps of few sequences take about as long each, whatever an output waited for before them."""
    _, quick = attributed(rate=4.0, cluster=split())
    result, slow = attributed(rate=4.0, cluster=split(link="0.2 GB/s"))
    steps = [found.seconds[:, 2, found.causes.index("bandwidth")].sum() for found in (quick, slow)]
    assert steps[1] == pytest.approx(steps[0], rel=0.1)
    e2e = latencies_of(result.recording.requests).e2e.sum() / 1e3
    assert e2e > 2 * steps[1]


def test_an_attempt_that_came_to_nothing_is_no_wait_for_a_replica(attributed):
    client = {"timeout": "3 s", "retries": 5, "backoff": "1 s"}
    pool = {"name": "main", "hardware": "nvidia-h100-sxm", "engine": {"max_num_seqs": 8}}
    result, found = attributed(rate=30.0, client=client, cluster={"pools": [pool]})
    again = result.recording.requests.attempts[found.rows] > 1
    assert again.sum() > 10
    earlier = found.seconds[:, 0, found.causes.index("earlier attempts")]
    assert (earlier[again] > 3.0).all() and (earlier[~again] == 0).all()
    seats = found.seconds[:, 0, found.causes.index("seats")]
    assert (seats <= 3.0).all()


def test_a_replica_that_comes_into_service_was_waited_for(attributed):
    autoscale = {"policy": "concurrency", "target": 4, "min": 0, "max": 1, "interval": "15 s"}
    pool = {
        "name": "main",
        "hardware": "nvidia-h100-sxm",
        "start": {"provisioning": "60 s", "engine_start": "30 s"},
        "autoscale": {**autoscale, "cool_down": "15 s"},
    }
    _, found = attributed(rate=0.02, requests=30, cluster={"pools": [pool]})
    queue = found.shares()["queue"]
    assert max(queue, key=queue.get) == "no replica"


def test_the_worst_request_of_a_split_cluster_is_followed_from_replica_to_replica(attributed):
    limits = {"max_outstanding": 8, "max_queue": 1000}
    result, found = attributed(rate=20.0, cluster=split(link="0.5 GB/s", admission=limits))
    events = [what for _, what in worst_request(result, found).events]
    assert events[1:3] == ["the gateway lets it through", "first step with it, on in replica 0"]
    assert events[3:5] == ["first token", "its KV cache has come to out replica 0"]


def test_the_worst_request_is_the_one_furthest_beyond_its_threshold(attributed):
    result, found = attributed(rate=40.0, hardware="nvidia-l4", slo={"ttft": "1 s"})
    worst = worst_request(result, found)
    ttft = latencies_of(result.recording.requests).ttft
    assert worst.ttft_ms == pytest.approx(np.nanmax(ttft))
    times = [time for time, _ in worst.events]
    assert times == sorted(times)
    assert worst.to_dict()["causes"]["queue"]
