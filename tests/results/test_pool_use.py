"""How a pool was used: its queue, its time and its bounds, where machines come and go too."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from simulator.reporting.series import pool_series
from simulator.results.overload import load_of
from simulator.results.pool_use import use_of_pool
from simulator.results.recording import Recording
from simulator.results.summary import summarise
from simulator.results.waiting import PoolLine, waiting_from, waiting_of, waiting_per_window
from tests.results.recordings import MS, S, Service, context, one_server, with_fleet


def side_by_side(recording: Recording, servers: int) -> Recording:
    """So many servers with the same requests each: every sum over steps is that of all of them.

    Of their requests only those of one are there; as some count as preempted, steps tell the queue.
    """
    windows = recording.pools[0].windows
    sums = {
        one.name: getattr(windows, one.name) * servers for one in fields(windows) if one.name != "width_ns"
    }
    pool = replace(recording.pools[0], replicas=servers, windows=replace(windows, **sums), preemptions=1)
    return replace(recording, pools=(pool,))


def line_of(recording: Recording) -> PoolLine:
    """The line of its only pool."""
    (line,) = waiting_of(recording).lines
    return line


def grown(
    recording: Recording, time_ns: list[int], serving: list[int], leaving: list[int] | None = None
) -> Recording:
    """The same recording of a pool that began with so many and had others later."""
    pool = replace(recording.pools[0], replicas=serving[0])
    return with_fleet(replace(recording, pools=(pool,)), time_ns, serving, leaving)


def overloaded_five(width_ns: int = 50 * MS) -> Recording:
    """Five servers, each with 30 % more requests than it can serve; steps can be longer than a window."""
    return side_by_side(one_server(np.arange(800) / 6.5, width_ns=width_ns), 5)


def test_the_queue_of_a_pool_that_has_grown_is_that_of_the_replicas_that_it_has_by_then():
    fixed = overloaded_five()
    after_start = grown(fixed, [0, 1], [1, 5])
    as_fixed = waiting_per_window(fixed.pools[0])
    assert as_fixed.max() > 100
    assert waiting_per_window(after_start.pools[0]) == pytest.approx(as_fixed)
    assert pool_series(line_of(after_start)).waiting == pytest.approx(pool_series(line_of(fixed)).waiting)
    uses = [use_of_pool(line_of(each), 0, each.end_ns) for each in (fixed, after_start)]
    assert uses[0].peak_waiting == pytest.approx(uses[1].peak_waiting)


def test_a_pool_that_grows_is_overloaded_where_as_many_from_the_start_are():
    fixed = overloaded_five()
    found = [load_of(each, waiting_of(each), 0) for each in (fixed, grown(fixed, [0, 1], [1, 5]))]
    assert found[0].overloaded
    assert found[1] == found[0]


def test_a_wider_interval_holds_the_mean_of_its_windows():
    pool = one_server(np.arange(200) / 4.0, width_ns=S).pools[0]
    by_window = waiting_per_window(pool)
    assert len(by_window) % 5 == 0
    assert waiting_from(pool, np.arange(0, len(by_window), 5)) == pytest.approx(
        by_window.reshape(-1, 5).mean(axis=1)
    )


def test_a_step_that_ends_when_its_replica_has_gone_does_not_divide_by_nothing():
    pool = grown(one_server([0.0, 0.0, 0.0], width_ns=100 * MS), [0, 250 * MS], [1, 0]).pools[0]
    waiting = waiting_per_window(pool)
    assert np.isfinite(waiting).all()
    assert waiting[3:].sum() > 0


def test_a_pool_without_a_step_has_no_windows_and_no_queue():
    line = line_of(one_server([]))
    assert len(waiting_per_window(line.pool)) == 0
    assert len(pool_series(line).waiting) == 0


#: Two servers that are busy 9 s of the 9.2 s, one of which is to leave in the first second.
LEAVING = grown(
    side_by_side(one_server(np.arange(10) * 0.92, service=Service(prefill_ns=800 * MS), width_ns=S), 2),
    [0, S],
    [2, 1],
    [0, 1],
)


def test_the_time_of_replicas_that_end_what_they_have_counts_as_their_steps_do():
    use = use_of_pool(line_of(LEAVING), 0, LEAVING.end_ns)
    busy_s = 10 * 0.9 / (LEAVING.end_ns / 1e9)
    assert busy_s < 1
    assert use.utilisation == pytest.approx(busy_s)
    assert use.busy_share == pytest.approx(busy_s)
    assert use.fleet is not None and use.fleet.mean_serving < 1.2
    series = pool_series(line_of(LEAVING))
    assert series.utilisation[2:8] == pytest.approx(LEAVING.pools[0].windows.busy_ns[2:8] / (2 * S))
    assert series.serving[2:] == pytest.approx(1.0)


def test_the_queue_of_replicas_that_leave_is_divided_by_their_time_too():
    fixed = overloaded_five()
    leaving = grown(fixed, [0, 10 * S], [5, 1], [0, 4])
    assert waiting_per_window(leaving.pools[0]) == pytest.approx(waiting_per_window(fixed.pools[0]))


def test_where_replicas_that_leave_were_not_told_apart_those_in_service_count():
    pool = LEAVING.pools[0]
    unknown = replace(pool, fleet=replace(pool.fleet, computing=None))
    use = use_of_pool(line_of(replace(LEAVING, pools=(unknown,))), 0, LEAVING.end_ns)
    assert use.utilisation == 1.0
    assert use.busy_share == pytest.approx(use.fleet.mean_serving / 2)


def test_the_bounds_of_pools_are_weighted_by_the_time_in_which_they_computed():
    """The first pool grows from one replica to five, so it is busy five times as long as the other."""
    first = grown(overloaded_five(), [0, 1], [1, 5])
    other = overloaded_five().pools[0]
    alone = one_server(np.arange(800) / 6.5, width_ns=50 * MS).pools[0].windows
    bound_ns = np.zeros_like(alone.bound_ns)
    bound_ns[:, 2] = alone.busy_ns
    other = replace(other, name="other", replicas=1, windows=replace(alone, bound_ns=bound_ns))
    about = context()
    summary = summarise(
        replace(first, pools=(first.pools[0], other)),
        replace(about, pools=(about.pools[0], replace(about.pools[0], name="other"))),
    )
    busy = [int(pool.windows.busy_ns.sum()) for pool in (first.pools[0], other)]
    by_bound = first.pools[0].windows.bound_ns.sum(axis=0) + bound_ns.sum(axis=0)
    assert busy[0] == 5 * busy[1]
    assert list(summary.bottlenecks().values()) == pytest.approx(list(by_bound / sum(busy)))
