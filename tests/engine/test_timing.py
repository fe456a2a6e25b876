"""Time of the engine: events come in their order, whether a calendar holds them or not, or not at all."""

from __future__ import annotations

import random
from math import inf

import pytest
from simpy.core import EmptySchedule
from simpy.events import NORMAL

from simulator.engine.calendar import CROWD
from simulator.engine.timing import Alarm, Appointment, Background, NsEnvironment


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


def test_what_is_cancelled_does_not_happen_and_keeps_nothing_going():
    env = NsEnvironment()
    happened = []
    Appointment(env, 100, lambda _: happened.append("late")).cancel()
    Appointment(env, 5, lambda _: happened.append("early")).cancel()
    Appointment(env, 10, lambda _: happened.append("kept"))
    while env.advance(1):
        pass
    assert (env.now, happened) == (10, ["kept"])
    env.run()
    assert (env.now, happened) == (10, ["kept"])


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("spread_ns", [50, 10**6, 10**12])
def test_a_crowd_of_events_comes_in_order(seed, spread_ns):
    """Events that schedule and cancel others, many at the same time: always the first of all that are due."""
    draw = random.Random(seed)
    env = NsEnvironment()
    due: dict[int, tuple[int, int, int]] = {}
    happened: list[tuple[int, int, int]] = []

    def schedule() -> None:
        time_ns = env.now + draw.choice([0, draw.randrange(spread_ns), draw.randrange(50 * spread_ns)])
        priority = draw.randrange(3)
        alarm = Alarm(env, lambda: happen(number))
        number = env.schedule_at(alarm, priority, time_ns)
        due[number] = (time_ns, priority, number)

    def happen(number: int) -> None:
        assert min(due.values()) == due[number] == (env.now, *due[number][1:])
        happened.append(due.pop(number))
        for _ in range(draw.choice([0, 1, 2]) if len(happened) < 3000 else 0):
            schedule()
        if due and not draw.randrange(4):
            cancelled = draw.choice(list(due))
            env.cancel(cancelled)
            del due[cancelled]

    for _ in range(2 * CROWD):
        schedule()
    while env.advance(CROWD):
        assert env.peek() == min(due.values(), default=(inf,))[0]
    assert not due
    assert len(happened) > 2 * CROWD


def test_steps_take_what_the_calendar_holds():
    env = NsEnvironment()
    times = [7 * i for i in range(1, 3 * CROWD)]
    happened: list[int] = []
    alarm = Alarm(env, lambda: happened.append(env.now))
    numbers = [env.schedule_at(alarm, NORMAL, time_ns) for time_ns in times]
    assert env.advance(CROWD)  # from here on there is a calendar
    env.cancel(numbers[-1])
    while env.peek() != inf:
        env.step()
    assert happened == times[:-1]
    with pytest.raises(EmptySchedule):
        env.step()


@pytest.mark.parametrize("crowd", [0, 2 * CROWD])
def test_what_is_cancelled_keeps_nothing_in_the_background_going(crowd):
    env = NsEnvironment()
    ticks = []

    def tick():
        ticks.append(env.now)
        Background(env, 1000, tick)

    Background(env, 1000, tick)
    Appointment(env, 2500, lambda _: None)
    for _ in range(crowd):
        Appointment(env, 100_000, lambda _: None).cancel()
    while env.advance(CROWD):
        pass
    assert (env.now, ticks) == (2500, [1000, 2000])
