"""Arrivals follow a planned rate: ramps, spikes, days and weeks."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from simulator.scenario.workload.profiles import SeriesSpec


def counts(traffic, width_s, bins):
    return np.bincount(traffic.arrival_ns // int(width_s * 1e9), minlength=bins)[:bins]


def series(points, **rest):
    return {
        "process": "series",
        "rate": "100 /s",
        "points": [{"at": at, "factor": factor} for at, factor in points],
        **rest,
    }


def test_a_linear_ramp_grows_evenly(make):
    traffic = make(None, duration_s=400, arrivals=series([("0 s", 0.0), ("400 s", 2.0)]))
    assert len(traffic) == pytest.approx(40_000, rel=0.02)
    assert counts(traffic, 100, 4) == pytest.approx([2500, 7500, 12500, 17500], rel=0.05)


def test_a_geometric_ramp_multiplies_by_the_same_factor_in_equal_times(make):
    ramp = series([("0 s", 1.0), ("300 s", 8.0)], between="geometric")
    by_minute = counts(make(None, duration_s=300, arrivals=ramp), 100, 3)
    assert by_minute[1:] / by_minute[:-1] == pytest.approx([2.0, 2.0], rel=0.06)


def test_stages_hold_until_the_next_point_and_may_repeat(make):
    stages = series([("0 s", 1.0), ("50 s", 0.2), ("100 s", 1.0)], between="hold", repeat=True)
    seen = counts(make(None, duration_s=200, arrivals=stages), 50, 4)
    assert seen == pytest.approx([5000, 1000, 5000, 1000], rel=0.1)


def test_a_spike_multiplies_the_rate_for_a_while(make):
    spiked = series([("0 s", 1.0)], spikes=[{"at": "20 s", "lasts": "2500 ms", "factor": 9}])
    seen = counts(make(None, duration_s=50, arrivals=spiked), 10, 5)
    assert seen == pytest.approx([1000, 1000, 1000 + 8 * 250, 1000, 1000], rel=0.1)


def test_a_week_has_quiet_nights_and_weekends_and_the_mean_rate_asked_for(make):
    hours = [1] * 8 + [5] * 10 + [2] * 6
    week = {"process": "weekly", "rate": "1 /s", "weekday": hours, "weekend": [1] * 24, "starts": "friday"}
    traffic = make(None, duration_s=7 * 86400, arrivals=week)
    assert len(traffic) == pytest.approx(7 * 86400, rel=0.01)
    days = counts(traffic, 86400, 7)
    assert days[[0, 3, 4, 5, 6]] == pytest.approx(np.full(5, days[0]), rel=0.02)
    assert days[1:3] / days[0] == pytest.approx(24 / sum(hours), rel=0.05)
    friday = counts(traffic, 3600, 24)
    assert friday[10:16].mean() / friday[2:6].mean() == pytest.approx(5.0, rel=0.05)


def test_a_week_can_begin_at_any_hour(make):
    hours = [1] * 12 + [9] * 12
    week = {"process": "weekly", "rate": "1 /s", "weekday": hours, "start_hour": 12}
    seen = counts(make(None, duration_s=86400, arrivals=week), 43200, 2)
    assert seen[0] / seen[1] > 5


@pytest.mark.parametrize(
    ("points", "rest", "message"),
    [
        ([("1 s", 1.0)], {}, "start at 0 s"),
        ([("0 s", 1.0), ("5 s", 2.0), ("5 s", 3.0)], {}, "rise in time"),
        ([("0 s", 0.0), ("5 s", 0.0)], {}, "above zero"),
        ([("0 s", 0.0), ("5 s", 1.0)], {"between": "geometric"}, "through zero"),
        ([("0 s", 1.0)], {"repeat": True}, "at least two"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(points, rest, message):
    with pytest.raises(ValidationError, match=message):
        SeriesSpec.model_validate(series(points, **rest))


ENDING = series([("0 s", 1.0), ("10 s", 1.0), ("20 s", 0.0)])


def test_a_plan_that_ends_in_a_rate_of_zero_ends_with_it(make):
    ending = make(None, duration_s=3600, arrivals=ENDING)
    assert len(ending) == pytest.approx(1500, rel=0.1)
    assert ending.arrival_ns.max() < 20e9
    kept_up = {**ENDING, "points": [*ENDING["points"], {"at": "1 h", "factor": 0.0}]}
    assert make(None, duration_s=3600, arrivals=kept_up).arrival_ns.tolist() == ending.arrival_ns.tolist()


def test_sessions_begun_before_the_end_of_a_plan_still_have_their_later_turns(make):
    sessions = {"turns": {"distribution": "fixed", "tokens": 3}, "gap": {"median": "60 s", "sigma": 0.1}}
    first, whole = (
        make(None, duration_s=3600, arrivals=ENDING, **({} if alone else {"sessions": sessions}))
        for alone in (True, False)
    )
    assert len(whole) == 3 * len(first)
    assert whole.arrival_ns.max() > 100e9
    assert (np.diff(whole.arrival_ns) >= 0).all()


def test_a_plan_that_starts_again_does_not_end(make):
    again = {**ENDING, "repeat": True}
    assert make(None, duration_s=100, arrivals=again).arrival_ns.max() > 80e9
