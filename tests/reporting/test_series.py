"""Pools over time as figures show them."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.reporting.series import TIME_POINTS, pool_series
from simulator.results.pool_use import use_of_pool, waiting_from
from tests.results.recordings import MS, one_server, with_fleet

#: 30 % more requests than the replica can serve, in more windows than a figure has points.
CROWDED = one_server(np.arange(400) / 6.5, width_ns=100 * MS)


def test_the_queue_over_time_is_the_one_of_the_summary():
    pool = CROWDED.pools[0]
    count = len(pool.windows.steps)
    together = -(-count // TIME_POINTS)
    assert together > 1
    assert pool_series(pool).waiting == pytest.approx(waiting_from(pool, np.arange(0, count, together)))


def test_replicas_that_leave_serve_no_more_but_the_time_that_they_use_counts():
    leaving = with_fleet(CROWDED, [0, 10_000 * MS], [1, 0], [0, 1])
    series, use = pool_series(leaving.pools[0]), use_of_pool(leaving.pools[0], 0, leaving.end_ns)
    assert series.serving[-1] == 0.0 < series.serving[0]
    assert series.utilisation[:-1].mean() == pytest.approx(use.utilisation, rel=0.02)


def test_a_pool_without_a_step_has_no_points():
    series = pool_series(one_server([]).pools[0])
    assert len(series.time_s) == len(series.waiting) == len(series.utilisation) == 0
