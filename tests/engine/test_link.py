"""Links: one after the other with one sender; with many, what they carried and had room for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.engine.link import MOST_TIMES, Link, LinkPlan, Path, Room, SerialLink
from simulator.engine.timing import NsEnvironment
from simulator.engine.transfer import InTurn

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


def test_what_is_used_leaves_the_free_width_as_it_is():
    room = Room(GB_PER_S)
    room.note(1000, 0.0, 0.5 * GB_PER_S)
    room.use(2000, 300.0)
    assert [room.by(time) for time in (1000, 2000, 4000)] == [1000.0, 1200.0, 2200.0]


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 3)), min_size=1, max_size=60))
def test_room_is_the_free_width_over_time(changes):
    room, now, free, expected = Room(GB_PER_S), 0, 1, 0
    for gap, width in changes:
        expected, now, free = expected + gap * free, now + gap, width
        room.note(now, 0.0, width * GB_PER_S)
        assert room.by(now) == pytest.approx(expected)
    assert room.by(now + 10) - room.by(now) == pytest.approx(10 * free)


def test_room_of_long_ago_is_forgotten_and_that_of_late_stays_right():
    room = Room(GB_PER_S)
    for time in range(1, 3 * MOST_TIMES):
        room.note(time, 0.0, (time % 2) * GB_PER_S)
    last = 3 * MOST_TIMES - 1
    assert room.by(last) - room.by(last - 1000) == pytest.approx(500)


def test_a_link_that_idles_at_the_end_of_the_warm_up_has_not_been_busy():
    env = NsEnvironment()
    carrier, link = InTurn(env), Link(LinkPlan(GB_PER_S, 100))
    carrier.send(Path.over(link), 1000, lambda: None)
    env.run(until=1050)  # through, but nobody has looked
    carrier.settle([link])
    link.begin_to_count(1050)
    assert (link.busy_ns, link.transfers, link.bytes_sent) == (0, 0, 0.0)
    carrier.send(Path.over(link), 400, lambda: None)
    env.run()
    carrier.settle([link])
    assert (link.busy_ns, link.transfers, link.bytes_sent) == (400, 1, 400.0)


def test_a_dead_link_has_no_room_until_it_is_back():
    link = Link(LinkPlan(GB_PER_S))
    link.close(100)
    link.carry_unseen(10.0, 150)
    link.change_pace(2.0, 400)
    assert link.room_between(0, 400) == pytest.approx(100 - 10)
    assert link.room_between(400, 500) == pytest.approx(50)
