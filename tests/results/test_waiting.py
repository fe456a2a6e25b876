"""What requests waiting and time in queue have to do with each other."""

from __future__ import annotations

import json

import numpy as np
import pytest

from simulator.results.files import read_result, write_result
from simulator.scenario.loading import load_scenario
from simulator.simulation import run_scenario


def served(rate: float, seats: int):
    """An L4 that schedules step by step, with every step recorded."""
    result = run_scenario(
        load_scenario(
            {
                "workload": {
                    "arrivals": {"process": "poisson", "rate": f"{rate} /s"},
                    "prompt_tokens": {"distribution": "lognormal", "mu": 6.0, "sigma": 0.5, "max": 2000},
                    "output_tokens": {"distribution": "lognormal", "mu": 4.5, "sigma": 0.5, "max": 400},
                },
                "model": "llama-3.1-8b",
                "cluster": {
                    "pools": [
                        {
                            "name": "main",
                            "hardware": "nvidia-l4",
                            "engine": {"max_num_seqs": seats, "async_scheduling": False},
                        }
                    ]
                },
                "requests": 200,
                "record": "steps",
            }
        )
    )
    assert result.summary.preemptions == 0
    return result


@pytest.mark.parametrize(("rate", "seats"), [(1.0, 256), (3.0, 8), (6.0, 24)])
def test_time_in_queue_is_what_steps_leave_waiting_and_the_rest_of_the_step_in_flight(rate, seats):
    result = served(rate, seats)
    requests, steps = result.recording.requests, result.recording.pools[0].step_table
    ends = steps.start_ns + steps.duration_ns
    in_flight = np.searchsorted(steps.start_ns, requests.arrival_ns, side="left") - 1
    rest = np.where(in_flight >= 0, ends[in_flight] - requests.arrival_ns, 0)

    queued = int((requests.first_scheduled_ns - requests.arrival_ns).sum())
    left_waiting = int((steps.waiting * steps.duration_ns).sum())
    assert queued == left_waiting + int(np.maximum(rest, 0).sum())


def queue_ns(result) -> int:
    requests = result.recording.requests
    return int((requests.first_scheduled_ns - requests.arrival_ns).sum())


@pytest.mark.parametrize(("rate", "seats"), [(1.0, 256), (6.0, 24)])
def test_the_mean_line_is_the_time_in_queue_over_the_time(rate, seats):
    result = served(rate, seats)
    assert result.summary.pools[0].mean_waiting == pytest.approx(queue_ns(result) / result.recording.end_ns)


FEW_BLOCKS = {"num_gpu_blocks": 200, "max_model_len": 1100}


def split(prompts=None, outputs=None, link="50 GB/s", rate=20, duration="20 s", seed=0, **cluster):
    """Llama 3.1 8B on a prefill and a decode replica with engines of their own, for 20 s."""
    engines = {"prefill": prompts or {}, "decode": outputs or {}}
    pools = [
        {"name": role, "role": role, "hardware": "nvidia-h100-sxm", "engine": engine}
        for role, engine in engines.items()
    ]
    return simulated(
        rate, {"pools": pools, "transfer": {"bandwidth": link, "latency": "10 us"}, **cluster}, duration, seed
    )


def simulated(rate, cluster, duration, seed=0):
    return run_scenario(
        load_scenario(
            {
                "workload": {
                    "arrivals": {"process": "poisson", "rate": f"{rate} /s"},
                    "prompt_tokens": {"distribution": "fixed", "tokens": 1000},
                    "output_tokens": {"distribution": "fixed", "tokens": 50},
                },
                "model": "llama-3.1-8b",
                "cluster": cluster,
                "duration": duration,
                "seed": seed,
            }
        )
    )


def test_the_time_in_which_no_step_runs_counts():
    """Prompts wait for blocks that the decode side does not take over, and nothing is computed meanwhile."""
    engine = {**FEW_BLOCKS, "async_scheduling": False}
    result = split(engine, engine, rate=30)
    prompts = result.summary.pools[0]
    assert prompts.utilisation < 0.9
    assert prompts.mean_waiting == pytest.approx(queue_ns(result) / result.recording.end_ns)
    steps = result.recording.pools[0].windows.waiting_ns.sum() / result.recording.end_ns
    assert prompts.mean_waiting > 1.2 * steps > 0


def test_who_waits_for_room_on_the_decode_side_is_in_the_line_of_its_pool():
    result = split(outputs=FEW_BLOCKS, rate=30)
    transfers = result.recording.transfers
    outputs = result.summary.pools[1]
    assert transfers.waits > 100
    assert outputs.mean_waiting == pytest.approx(transfers.waited_ns / result.recording.end_ns, rel=1e-3)


def test_who_waits_for_a_seat_there_is_too():
    result = split(outputs={"max_num_seqs": 2}, rate=15)
    assert result.recording.transfers.waits == 0
    assert result.summary.pools[1].peak_waiting > 50


def test_a_pool_without_replicas_has_a_line():
    autoscale = {"policy": "concurrency", "target": 4, "min": 0, "max": 1, "interval": "15 s"}
    start = {"provisioning": "60 s", "engine_start": "30 s"}
    pool = {"name": "main", "hardware": "nvidia-h100-sxm", "start": start}
    result = simulated(0.02, {"pools": [{**pool, "autoscale": {**autoscale, "cool_down": "15 s"}}]}, "30 min")
    main = result.summary.pools[0]
    assert main.mean_waiting == pytest.approx(queue_ns(result) / result.recording.end_ns, rel=1e-2)
    assert main.peak_waiting >= 1


def test_who_waits_at_the_gateway_is_in_no_line_of_a_pool():
    pool = {"name": "main", "hardware": "nvidia-h100-sxm"}
    limits = {"max_outstanding": 4, "max_queue": 10_000}
    result = simulated(20, {"pools": [pool], "admission": limits}, "20 s")
    assert result.summary.latency.queue.mean > 1000
    assert result.summary.pools[0].peak_waiting < 4
    elsewhere = result.summary.to_dict()["mean_waiting_elsewhere"]
    everywhere = elsewhere["gateway"] + result.summary.pools[0].mean_waiting
    assert elsewhere.keys() == {"gateway"}
    assert everywhere == pytest.approx(queue_ns(result) / result.recording.end_ns)


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"link": "0.5 GB/s"}, "on the links"),
        ({"outputs": FEW_BLOCKS}, "in the line of pool 'decode'"),
        ({"outputs": {"max_num_seqs": 2}}, "in the line of pool 'decode'"),
        ({"prompts": FEW_BLOCKS, "outputs": FEW_BLOCKS}, "in the line of pool 'prefill'"),
        ({"admission": {"max_outstanding": 2, "max_queue": 10_000}}, "at the gateway"),
    ],
)
def test_a_queue_that_grows_is_an_overload_wherever_it_is(changed, where):
    load = split(**changed).summary.load
    assert load.overloaded
    assert load.where.startswith(where)
    assert load.sustained_rate < 0.9 * load.arrival_rate


@pytest.mark.parametrize(
    ("changed", "capacity"),
    [
        ({"link": "1 GB/s"}, 7.6),
        ({"outputs": FEW_BLOCKS}, 8.8),
        ({"admission": {"max_outstanding": 2, "max_queue": 10_000}}, 5.6),
    ],
)
def test_a_split_cluster_that_keeps_up_is_none(changed, capacity):
    assert split(rate=1.2 * capacity, duration="100 s", **changed).summary.load.overloaded
    for seed in range(3):
        summary = split(rate=0.9 * capacity, duration="100 s", seed=seed, **changed).summary
        assert not summary.load.overloaded


def test_waits_survive_the_way_to_files_and_back(tmp_path):
    result = split(link="0.5 GB/s", rate=4)
    waits = result.recording.waits
    assert len(waits.request) == result.recording.transfers.arrived > 0
    again = read_result(write_result(result, tmp_path / "out"))
    for name in waits.__slots__:
        assert (getattr(again.recording.waits, name) == getattr(waits, name)).all(), name
    assert again.to_dict() == result.to_dict()


def test_results_of_before_waits_were_kept_can_be_read(tmp_path):
    out = write_result(split(link="0.5 GB/s", rate=4), tmp_path / "out")
    about = json.loads((out / "recording.json").read_text())
    del about["waits"]
    (out / "recording.json").write_text(json.dumps(about))
    assert len(read_result(out).recording.waits.request) == 0
