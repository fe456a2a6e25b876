"""Simulated time for the engine: SimPy's event queue in whole nanoseconds, and appointments in it."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from math import inf

from simpy import Environment
from simpy.core import EmptySchedule
from simpy.events import NORMAL, Event

from simulator.engine.calendar import CROWD, Calendar, Entry

#: What an appointment calls; the event itself says nothing.
Appointed = Callable[[Event], None]


class NsEnvironment(Environment):
    """SimPy environment whose time is integer nanoseconds, zero at first.

    Events before the horizon of the calendar are in SimPy's queue, a heap; the others are in the calendar.
    """

    #: The simulated time [ns]. Plain where SimPy has a property: everybody asks for it all the time.
    now: int = 0
    _queue: list[Entry]  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__(initial_time=0)
        #: Scheduled events for whose sake simulation does not go on, cancelled ones aside.
        self.background = 0
        self._pending = 0  # scheduled, neither taken nor cancelled
        self._calendar = Calendar()
        self._cancelled: set[int] = set()

    def schedule(self, event: Event, priority: int = NORMAL, delay: int = 0) -> None:  # type: ignore[override]
        """What `Environment.schedule` does, in this environment's time."""
        self.schedule_at(event, priority, self.now + delay)

    def schedule_at(self, event: Event, priority: int, time_ns: int) -> int:
        """Schedule an event for an absolute time; returns a number to cancel it by."""
        number: int = next(self._eid)
        self._pending += 1
        calendar = self._calendar
        if time_ns < calendar.horizon_ns:
            heappush(self._queue, (time_ns, priority, number, event))
        else:
            calendar.add((time_ns, priority, number, event))
        return number

    def cancel(self, number: int) -> None:
        """A scheduled event will not happen."""
        self._cancelled.add(number)
        self._pending -= 1

    def peek(self) -> float:
        """When the next event happens [ns]; infinite where there is none."""
        queue = self._queue
        while queue or self._calendar:
            if not queue:
                self._open()
            elif queue[0][2] in self._cancelled:
                self._cancelled.remove(heappop(queue)[2])
            else:
                return queue[0][0]
        return inf

    def step(self) -> None:
        """Take one event.

        Raises
        ------
        EmptySchedule
            Where there is none.
        """
        if self.peek() == inf:
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
        cancelled = self._cancelled
        began_ns = self.now
        for _ in range(events):
            if self._pending == self.background:
                return False
            if not queue:
                self._open()
            time_ns, _, number, event = heappop(queue)
            if number in cancelled:
                cancelled.remove(number)
                continue
            self._pending -= 1
            self.now = time_ns
            if type(event) is Alarm:
                event.then()
                continue
            callbacks = event.callbacks
            event.callbacks = None
            for callback in callbacks:
                callback(event)
            if not event._ok and not hasattr(event, "_defused"):
                raise event._value
        if events >= CROWD and self.now > began_ns:
            queue[:] = self._calendar.fit(self.now, (self.now - began_ns) // events, queue)
            heapify(queue)
        return True

    def _open(self) -> None:
        """Bring the next events of the calendar into the queue."""
        self._queue += self._calendar.open()
        heapify(self._queue)


class Alarm(Event):
    """An event that is set again and again, and each time calls the same function."""

    __slots__ = ("callbacks", "env", "then")

    def __init__(self, env: NsEnvironment, then: Callable[[], None]) -> None:
        self.env = env
        self.then = then


class Appointment(Event):
    """An event that happens after a set time and calls one function: cheaper than a process."""

    __slots__ = ("_number", "callbacks", "env")

    _value = None
    _ok = True

    def __init__(self, env: NsEnvironment, delay_ns: int, then: Appointed) -> None:
        self.env = env
        self.callbacks = [then]
        self._number = env.schedule_at(self, NORMAL, env.now + delay_ns)

    def cancel(self) -> None:
        """It has not happened yet and will not."""
        self.env.cancel(self._number)  # type: ignore[attr-defined]


class Background(Appointment):
    """An appointment for whose sake simulation does not go on: it ends although such ones are left."""

    def __init__(self, env: NsEnvironment, delay_ns: int, then: Callable[[], None]) -> None:
        super().__init__(env, delay_ns, lambda _: self._happen(then))
        env.background += 1

    def _happen(self, then: Callable[[], None]) -> None:
        self.env.background -= 1  # type: ignore[attr-defined]
        then()
