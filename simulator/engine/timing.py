"""Simulated time for the engine: SimPy's event queue in whole nanoseconds, and appointments in it."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

from simpy import Environment
from simpy.core import EmptySchedule
from simpy.events import NORMAL, Event

#: What an appointment calls; the event itself says nothing.
Appointed = Callable[[Event], None]


class NsEnvironment(Environment):
    """SimPy environment whose time is integer nanoseconds, zero at first."""

    #: The simulated time [ns]. Plain where SimPy has a property: everybody asks for it all the time.
    now: int = 0

    def __init__(self) -> None:
        super().__init__(initial_time=0)
        #: Events in the queue for whose sake simulation does not go on.
        self.background = 0

    def schedule(self, event: Event, priority: int = NORMAL, delay: int = 0) -> None:  # type: ignore[override]
        """What `Environment.schedule` does, in this environment's time."""
        self.schedule_at(event, priority, self.now + delay)

    def schedule_at(self, event: Event, priority: int, time_ns: int) -> None:
        """Schedule an event for an absolute time."""
        heappush(self._queue, (time_ns, priority, next(self._eid), event))  # type: ignore[misc]

    def step(self) -> None:
        """Take one event.

        Raises
        ------
        EmptySchedule
            Where there is none.
        """
        if not self._queue:
            raise EmptySchedule
        background, self.background = self.background, -1  # one in the background will do as well
        try:
            self.advance(1)
        finally:  # `run(until=...)` stops by raising
            self.background += background + 1

    def advance(self, events: int) -> bool:
        """Take up to so many events; False where there are no more but in the background.

        What `Environment.step` does, in one flat loop: the simulation takes all its events here.
        """
        queue = self._queue
        for _ in range(events):
            if len(queue) == self.background:
                return False
            self.now, _, _, event = heappop(queue)  # type: ignore[assignment]
            if type(event) is Alarm:
                event.then()
                continue
            callbacks = event.callbacks
            event.callbacks = None  # type: ignore[assignment]
            for callback in callbacks:
                callback(event)
            if not event._ok and not hasattr(event, "_defused"):
                raise event._value
        return True


class Alarm(Event):
    """An event that is set again and again, and each time calls the same function."""

    __slots__ = ("callbacks", "env", "then")

    def __init__(self, env: NsEnvironment, then: Callable[[], None]) -> None:
        self.env = env
        self.then = then


class Appointment(Event):
    """An event that happens after a set time and calls one function: cheaper than a process."""

    __slots__ = ("callbacks", "env")

    _value = None
    _ok = True

    def __init__(self, env: NsEnvironment, delay_ns: int, then: Appointed) -> None:
        self.env = env
        self.callbacks = [then]
        env.schedule_at(self, NORMAL, env.now + delay_ns)


class Background(Appointment):
    """An appointment for whose sake simulation does not go on: it ends although such ones are left."""

    def __init__(self, env: NsEnvironment, delay_ns: int, then: Callable[[], None]) -> None:
        super().__init__(env, delay_ns, lambda _: self._happen(then))
        env.background += 1

    def _happen(self, then: Callable[[], None]) -> None:
        self.env.background -= 1  # type: ignore[attr-defined]
        then()


class Revocable(Appointment):
    """An appointment that can be called off: it stays in the queue, but nothing goes on for its sake."""

    __slots__ = ("_then",)

    def __init__(self, env: NsEnvironment, delay_ns: int, then: Callable[[], None]) -> None:
        super().__init__(env, delay_ns, self._happen)
        self._then: Callable[[], None] | None = then

    def revoke(self) -> None:
        """It has not happened yet and will not."""
        self._then = None
        self.env.background += 1  # type: ignore[attr-defined]

    def _happen(self, event: Event) -> None:
        if self._then is None:
            self.env.background -= 1  # type: ignore[attr-defined]
        else:
            self._then()
