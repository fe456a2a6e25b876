"""A link with one sender: bytes over bandwidth, one after the other, one latency behind."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulator.engine.link import LinkPlan, SerialLink

GB_PER_S = 1e9


def deliveries(plan, sends):
    """When each of the (time, bytes) arrives [ns]."""
    link = SerialLink(plan)
    return [link.send(time, size) for time, size in sends]


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
