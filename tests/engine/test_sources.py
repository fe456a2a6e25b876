"""Sources: an open loop keeps to its times, a closed loop to a number in flight."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest

from simulator.engine.sources import ClosedLoop, OpenLoop, requests_of
from simulator.workload.traffic import Traffic
from tests.engine.clusters import MS, cluster, evenly, pool, request, run, settings


class Listed:
    """A workload of given chunks."""

    def __init__(self, *traffic, ends_on_stop=False, concurrency=None):
        self.traffic = traffic
        self.ends_on_stop = ends_on_stop
        self.concurrency = concurrency
        self.max_total_tokens = None

    def chunks(self):
        return iter(self.traffic)


def chunk(times, **more):
    n = len(times)
    return Traffic(
        np.array(times, dtype=np.int64), np.full(n, 20, dtype=np.int32), np.full(n, 4, dtype=np.int32), **more
    )


def test_requests_are_numbered_through_all_chunks():
    requests = list(requests_of(Listed(chunk([0, 5]), chunk([7]))))
    assert [(r.index, r.arrival_ns) for r in requests] == [(0, 0), (1, 5), (2, 7)]
    assert all((r.prompt_tokens, r.output_tokens, r.content) == (20, 4, None) for r in requests)


def test_chunks_are_asked_for_as_time_goes_on():
    asked = []

    class Lazy(Listed):
        def chunks(self):
            for i in range(3):
                asked.append(i)
                yield chunk([i * 1000 * MS])

    target = cluster()
    OpenLoop(target.env, requests_of(Lazy()), target.submit)
    assert asked == [0]
    target.env.run()
    assert asked == [0, 1, 2]


def test_a_service_stops_before_its_limit_and_a_benchmark_runs_to_it():
    assert [r.stops for r in requests_of(Listed(chunk([0]), ends_on_stop=True))] == [True]
    assert [r.stops for r in requests_of(Listed(chunk([0])))] == [False]


def test_the_content_of_a_request_ends_with_its_own_output():
    traffic = chunk(
        [0, 1], pieces=[(("system", 0, 12), ("a", 0, 8)), (("out:first", 0, 20),)], names=["first", "b"]
    )
    first, second = requests_of(Listed(traffic))
    assert first.content == (("system", 0, 12), ("a", 0, 8), ("out:first", 0, 4))
    assert second.content == (("out:first", 0, 20), ("out:b", 0, 4))
    assert all(r.content is None for r in requests_of(Listed(traffic), with_content=False))


def test_thinking_and_priority_come_along():
    traffic = chunk([0], thinking_tokens=np.array([3]), priority=np.array([-1]))
    (only,) = requests_of(Listed(traffic))
    assert (only.thinking_tokens, only.priority) == (3, -1)


def test_the_open_loop_keeps_to_its_times_even_if_nobody_is_ready():
    target = cluster(pool(settings=settings(max_num_seqs=1)))
    ended = run(target, evenly(5, gap_ns=MS))
    assert [r.arrival_ns for r in ended] == [i * MS for i in range(5)]
    assert ended[-1].first_scheduled_ns > 100 * MS


def test_requests_of_one_instant_meet_in_one_step():
    target = cluster(keep_steps=True)
    run(target, [request(i, arrival_ns=3 * MS, output=1) for i in range(4)])
    steps = target.recording().pools[0].step_table
    assert steps.prefill_sequences.tolist() == [4]


def closed(concurrency, requests, until_ns=None, **plan):
    """A closed loop of requests of 100 + 5 tokens: the cluster, and the number in flight after each start."""
    target = cluster(**plan)
    flights = []

    def submit(one):
        target.submit(one)
        flights.append((target.env.now, target.gateway.submitted - target.gateway.ended))

    traffic = (request(i) for i in (count() if requests is None else range(requests)))
    ClosedLoop(target.env, traffic, submit, concurrency, until_ns)
    target.env.run()
    return target, flights


@pytest.mark.parametrize("policy", ["round_robin", "least_outstanding"])
def test_a_closed_loop_keeps_n_in_flight(policy):
    target, flights = closed(6, 60, policy=policy)
    assert [n for _, n in flights] == [1, 2, 3, 4, 5, *[6] * 55]
    columns = target.recording().requests
    assert len(columns.request) == 60
    # After the first six, every request starts at the instant at which another one ends.
    assert set(columns.arrival_ns.tolist()) <= {0, *columns.finish_ns.tolist()}


def test_a_closed_loop_without_a_number_ends_by_time():
    target, _ = closed(3, None, until_ns=500 * MS)
    columns = target.recording().requests
    assert columns.arrival_ns.max() < 500 * MS <= columns.finish_ns.max()
    assert target.recording().unfinished == 0


def test_more_clients_than_requests_is_no_problem():
    target, _ = closed(10, 4)
    assert len(target.requests) == 4
