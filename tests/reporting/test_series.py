"""Pools over time as figures show them."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.reporting.series import TIME_POINTS, pool_series
from simulator.results.pool_use import use_of_pool
from simulator.results.recording import Recording
from simulator.results.waiting import PoolLine, waiting_of
from tests.results.recordings import MS, one_server, with_fleet

#: 30 % more requests than the replica can serve, in more windows than a figure has points.
CROWDED = one_server(np.arange(400) / 6.5, width_ns=100 * MS)


def line_of(recording: Recording) -> PoolLine:
    """The line of its only pool."""
    (line,) = waiting_of(recording).lines
    return line


def test_the_queue_over_time_is_the_one_of_the_summary():
    line = line_of(CROWDED)
    count = len(line.pool.windows.steps)
    together = -(-count // TIME_POINTS)
    assert together > 1
    assert pool_series(line).waiting == pytest.approx(line.from_windows(np.arange(0, count, together)))
    assert pool_series(line).waiting.max() > 30


def test_replicas_that_leave_serve_no_more_but_the_time_that_they_use_counts():
    leaving = with_fleet(CROWDED, [0, 10_000 * MS], [1, 0], [0, 1])
    line = line_of(leaving)
    series, use = pool_series(line), use_of_pool(line, 0, leaving.end_ns)
    assert series.serving[-1] == 0.0 < series.serving[0]
    assert series.utilisation[:-1].mean() == pytest.approx(use.utilisation, rel=0.02)


def test_a_pool_without_a_step_has_no_points():
    series = pool_series(line_of(one_server([])))
    assert len(series.time_s) == len(series.waiting) == len(series.utilisation) == 0
