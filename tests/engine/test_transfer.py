"""A link: bytes over bandwidth, one transfer after the other, one latency behind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.engine.timing import Appointment, NsEnvironment
from simulator.engine.transfer import Link, LinkPlan

GB_PER_S = 1e9


def deliveries(plan, sends):
    """When each of the (time, bytes) arrives [ns]."""
    env = NsEnvironment()
    link = Link(env, plan)
    times = []
    for time, size in sends:
        Appointment(env, time, lambda _, size=size: link.send(size, lambda: times.append(env.now)))
    env.run()
    return times


def test_a_transfer_takes_its_bytes_over_the_bandwidth_plus_the_latency():
    assert deliveries(LinkPlan(2 * GB_PER_S, 500), [(1000, 4000)]) == [1000 + 2000 + 500]


def test_transfers_queue_and_the_latency_is_paid_by_each_but_blocks_nobody():
    assert deliveries(LinkPlan(GB_PER_S, 500), [(0, 1000), (100, 1000)]) == [1500, 2500]


@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 4000)), min_size=1, max_size=20))
def test_the_link_is_never_faster_than_its_bandwidth_nor_idle_with_work(sends):
    sends = sorted(sends, key=lambda send: send[0])
    times = deliveries(LinkPlan(GB_PER_S), sends)
    free_at = 0
    for (sent, size), arrived in zip(sends, times, strict=True):
        free_at = max(free_at, sent) + size
        assert arrived == free_at


def test_what_was_sent_is_counted():
    env = NsEnvironment()
    link = Link(env, LinkPlan(GB_PER_S))
    assert link.send(700, lambda: None) == 700
    link.send(300, lambda: None)
    assert link.bytes_sent == pytest.approx(1000)
