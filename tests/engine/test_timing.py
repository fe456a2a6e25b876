"""Time of the engine: stopping in the middle leaves the count of background events right."""

from __future__ import annotations

from simulator.engine.timing import Appointment, Background, NsEnvironment


def test_stopping_at_a_time_keeps_the_count_of_background_events():
    env = NsEnvironment()
    happened = []
    Background(env, 100, lambda: happened.append("background"))
    Appointment(env, 10, lambda _: happened.append("appointment"))
    env.run(until=5)
    assert env.background == 1
    assert env.advance(1)
    assert not env.advance(1)
    assert (env.now, happened) == (10, ["appointment"])
