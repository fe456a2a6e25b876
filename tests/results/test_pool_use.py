"""How a pool was used: its queue, its time and its bounds, where machines come and go too."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from simulator.reporting.series import TIME_POINTS, pool_series
from simulator.results.overload import load_of
from simulator.results.pool_use import use_of_pool, waiting_from, waiting_per_window
from simulator.results.recording import Recording
from tests.results.recordings import MS, S, one_server, with_fleet


def side_by_side(recording: Recording, servers: int) -> Recording:
    """So many servers with the same requests each: every sum over steps is that of all of them."""
    windows = recording.pools[0].windows
    sums = {
        one.name: getattr(windows, one.name) * servers for one in fields(windows) if one.name != "width_ns"
    }
    pool = replace(recording.pools[0], replicas=servers, windows=replace(windows, **sums))
    return replace(recording, pools=(pool,))


def grown(recording: Recording, time_ns: list[int], serving: list[int]) -> Recording:
    """The same recording of a pool that began with so many and had others later."""
    pool = replace(recording.pools[0], replicas=serving[0])
    return with_fleet(replace(recording, pools=(pool,)), time_ns, serving)


def overloaded_five(width_ns: int = 50 * MS) -> Recording:
    """Five servers, each with 30 % more requests than it can serve; steps can be longer than a window."""
    return side_by_side(one_server(np.arange(800) / 6.5, width_ns=width_ns), 5)


def test_the_queue_of_a_pool_that_has_grown_is_that_of_the_replicas_that_it_has_by_then():
    fixed = overloaded_five()
    after_start = grown(fixed, [0, 1], [1, 5])
    as_fixed = waiting_per_window(fixed.pools[0])
    assert as_fixed.max() > 100
    assert waiting_per_window(after_start.pools[0]) == pytest.approx(as_fixed)
    assert pool_series(after_start.pools[0]).waiting == pytest.approx(pool_series(fixed.pools[0]).waiting)
    uses = [use_of_pool(each.pools[0], 0, each.end_ns) for each in (fixed, after_start)]
    assert uses[0].peak_waiting == pytest.approx(uses[1].peak_waiting)


def test_a_pool_that_grows_is_overloaded_where_as_many_from_the_start_are():
    fixed = overloaded_five()
    found = [load_of(each, 0) for each in (fixed, grown(fixed, [0, 1], [1, 5]))]
    assert found[0].overloaded
    assert found[1] == found[0]


def test_the_queue_over_time_in_a_figure_is_the_one_of_the_summary():
    pool = overloaded_five(width_ns=100 * MS).pools[0]
    count = len(pool.windows.steps)
    together = -(-count // TIME_POINTS)
    assert together > 1
    assert pool_series(pool).waiting == pytest.approx(waiting_from(pool, np.arange(0, count, together)))


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
    pool = one_server([]).pools[0]
    assert len(waiting_per_window(pool)) == 0
    assert len(pool_series(pool).waiting) == 0
