"""Machines over the measured time: what counts, and from when to when."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.results.files import read_result, write_result
from simulator.results.fleet import (
    computing_between,
    mean_computing,
    mean_on,
    mean_owned,
    on_between,
    serving_between,
    use_of_fleet,
)
from tests.results.recordings import S, one_server, result, with_fleet

#: Four replicas for 2 s, then one, while the other three end what they have within 3 s more.
DRAINED = with_fleet(one_server(np.arange(10.0)), [0, 2 * S, 5 * S], [4, 1, 1], [0, 3, 0])
POOL = DRAINED.pools[0]


def test_means_over_the_measured_time_are_weighted_by_time():
    assert mean_on(POOL, 0, 10 * S) == pytest.approx((4 * 5 + 1 * 5) / 10)
    assert mean_computing(POOL, 0, 10 * S) == pytest.approx((4 * 5 + 1 * 5) / 10)
    use = use_of_fleet(POOL.fleet, 0, 10 * S)
    assert use.mean_serving == pytest.approx((4 * 2 + 1 * 8) / 10)
    assert (use.most_serving, use.fewest_serving) == (4, 1)


def test_what_was_before_the_warm_up_does_not_count():
    use = use_of_fleet(POOL.fleet, 4 * S, 9 * S)
    assert use.mean_on == pytest.approx((4 * 1 + 1 * 4) / 5)
    assert (use.mean_serving, use.most_serving) == (1.0, 1)
    assert mean_computing(POOL, 5 * S, 9 * S) == 1.0


def test_means_between_times_are_those_of_each_part():
    edges = np.array([0.0, 2.0, 3.0, 6.0, 20.0]) * S
    assert serving_between(POOL, edges) == pytest.approx([4, 1, 1, 1])
    assert computing_between(POOL, edges) == pytest.approx([4, 4, (4 * 2 + 1) / 3, 1])
    assert on_between(POOL, edges) == pytest.approx(computing_between(POOL, edges))


def test_a_pool_whose_machines_never_change_has_all_of_them_always():
    pool = replace(POOL, fleet=None, replicas=3)
    edges = np.array([0.0, 1.0, 5.0]) * S
    for mean in (mean_on, mean_computing, mean_owned):
        assert mean(pool, 0, 10 * S) == 3.0
    for between in (serving_between, computing_between, on_between):
        assert between(pool, edges).tolist() == [3.0, 3.0]


def test_owned_are_all_places_for_machines_unless_these_change_sides():
    assert mean_owned(POOL, 0, 10 * S) == 4.0
    sides = replace(POOL, fleet=replace(POOL.fleet, changes_sides=True))
    assert mean_owned(sides, 0, 10 * S) == mean_on(POOL, 0, 10 * S)


@pytest.mark.parametrize("computing", [POOL.fleet.computing, None], ids=["told apart", "not told apart"])
def test_a_written_result_keeps_which_replicas_computed(tmp_path, computing):
    recording = replace(DRAINED, pools=(replace(POOL, fleet=replace(POOL.fleet, computing=computing)),))
    written = result(recording)
    read = read_result(write_result(written, tmp_path / "out"))
    assert read.summary.to_dict() == written.summary.to_dict()
    found = read.recording.pools[0].fleet.computing
    assert (None if found is None else found.tolist()) == (None if computing is None else computing.tolist())


def test_a_result_of_before_replicas_that_leave_were_told_apart_can_be_read(tmp_path):
    folder = write_result(result(DRAINED), tmp_path / "out")
    file = folder / "recording.json"
    text = file.read_text()
    start = text.index('"computing"')
    end = text.index("]", start) + 1
    before = text[:start].rstrip().rstrip(",")
    file.write_text(before + text[end:])
    assert read_result(folder).recording.pools[0].fleet.computing is None
