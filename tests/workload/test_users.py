"""Users who think: a closed loop with pauses."""

from __future__ import annotations

import numpy as np
import pytest

USERS = {"process": "users", "users": 50, "think": {"median": "20 s", "sigma": 0.5, "max": "60 s"}}


def test_every_request_of_a_user_waits_for_a_think_time(make):
    think = make(20_000, arrivals=USERS).think_ns / 1e9
    assert np.median(think) == pytest.approx(20, rel=0.03)
    assert think.max() == 60


def test_users_join_one_by_one_over_the_ramp(make):
    joined = make(1000, arrivals=USERS | {"ramp": "100 s"}).think_ns
    at_once = make(1000, arrivals=USERS).think_ns
    delay = (joined - at_once) / 1e9
    assert delay[:50] == pytest.approx(np.arange(50) * 2.0)
    assert not delay[50:].any()


def test_requests_of_an_open_loop_have_no_think_time(make):
    assert make(10).think_ns is None
