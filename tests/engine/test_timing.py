"""Time of the engine: stopping in the middle leaves the count of background events right."""

from __future__ import annotations

from simulator.engine.timing import Appointment, Background, NsEnvironment, Revocable


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


def test_what_is_called_off_does_not_happen_and_keeps_nothing_going():
    env = NsEnvironment()
    happened = []
    Revocable(env, 100, lambda: happened.append("late")).revoke()
    Revocable(env, 5, lambda: happened.append("early")).revoke()
    Revocable(env, 10, lambda: happened.append("kept"))
    while env.advance(1):
        pass
    assert (env.now, happened, env.background) == (10, ["kept"], 1)
    env.run()
    assert (happened, env.background) == (["kept"], 0)
