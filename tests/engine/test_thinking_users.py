"""A closed loop of users: each waits for its answer, thinks, and sends again."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.engine.request import Request
from simulator.engine.sources import ClosedLoop
from simulator.engine.timing import Appointment, NsEnvironment

SECOND = 1_000_000_000


def users(count, think_s, serve_s, requests, until_s=None):
    """Send and end times of the requests of some users, each served in ``serve_s``."""
    env = NsEnvironment()
    seen = []

    def submit(request):
        sent = env.now

        def end(_):
            seen.append((sent / SECOND, env.now / SECOND))
            request.on_end(request)

        Appointment(env, serve_s * SECOND, end)

    def thoughtful():
        for index in range(requests):
            request = Request(index, 0, 10, 10)
            request.think_ns = think_s * SECOND
            yield request

    ClosedLoop(env, thoughtful(), submit, count, None if until_s is None else until_s * SECOND)
    env.run()
    return np.array(seen)


def test_a_user_thinks_between_an_answer_and_the_next_request():
    assert users(1, 5, 2, 3).tolist() == [[5, 7], [12, 14], [19, 21]]


def test_the_load_follows_the_service():
    """Users / (think + response) requests a second: the law of an interactive closed loop."""
    for serve_s in (1, 19):
        seen = users(20, 9, serve_s, 2000)
        assert len(seen) / seen[-1, 1] == pytest.approx(20 / (9 + serve_s), rel=0.03)


def test_nobody_sends_after_the_end_of_the_time():
    assert users(3, 5, 2, 1000, until_s=13)[:, 0].max() == 12
