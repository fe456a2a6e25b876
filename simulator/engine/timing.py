"""Simulated time for the engine: SimPy's event queue in whole nanoseconds, and appointments in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from simpy import Environment
from simpy.events import NORMAL, Event

#: What an appointment calls; the event itself says nothing.
Appointed = Callable[[Event], None]


class NsEnvironment(Environment):
    """SimPy environment whose time is integer nanoseconds, zero at first."""

    def __init__(self) -> None:
        super().__init__(initial_time=0)

    if TYPE_CHECKING:

        @property
        def now(self) -> int:
            """The simulated time [ns]."""
            ...


class Appointment(Event):
    """An event that happens after a set time and calls one function: cheaper than a process."""

    def __init__(self, env: NsEnvironment, delay_ns: int, then: Appointed) -> None:
        self.env = env
        self.callbacks = [then]
        self._value = None
        self._ok = True
        env.schedule(self, NORMAL, delay_ns)
