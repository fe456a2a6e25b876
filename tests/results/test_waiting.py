"""What requests waiting and time in queue have to do with each other."""

from __future__ import annotations

import numpy as np
import pytest

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


def test_nobody_is_left_waiting_where_all_wait_for_the_step_in_flight_only():
    result = served(1.0, 256)
    assert result.summary.pools[0].mean_waiting == 0
    assert result.summary.latency.queue.mean > 0
