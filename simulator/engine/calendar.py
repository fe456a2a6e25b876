"""A calendar queue: later events lie unsorted in slots of equal width until the time of their slot comes.

A heap of all events of a large cluster is deep, and most of it out of the processor's cache. Here only the
events of the slot that is open are in a heap, a few; putting one in a later slot takes constant time
(R. Brown, "Calendar queues", Communications of the ACM 31, 1988).
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any

#: Time [ns], priority, number in order of scheduling, event: unique, and taken in this order.
Entry = tuple[int, int, int, Any]

#: Events that a slot shall hold.
PER_SLOT = 8
#: Fewer events than this need no calendar.
CROWD = 256
NEVER_LATER = 1 << 62


class Calendar:
    """Events from ``horizon_ns`` on; those before it are with the caller.

    Without a width there are no slots, and all events are with the caller.
    """

    __slots__ = ("_bits", "_length", "_numbers", "_slots", "horizon_ns")

    def __init__(self) -> None:
        self.horizon_ns = NEVER_LATER
        self._bits = 0  # the width of a slot is a power of two [ns]
        self._slots: dict[int, list[Entry]] = {}
        self._numbers: list[int] = []  # of the slots, a heap
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def add(self, entry: Entry) -> None:
        """One event more, not before the horizon."""
        self._length += 1
        number = entry[0] >> self._bits
        slot = self._slots.get(number)
        if slot is None:
            self._slots[number] = [entry]
            heappush(self._numbers, number)
        else:
            slot.append(entry)

    def open(self) -> list[Entry]:
        """The events of the next slot, in no order; the horizon moves behind it."""
        number = heappop(self._numbers)
        slot = self._slots.pop(number)
        self._length -= len(slot)
        self.horizon_ns = (number + 1) << self._bits
        return slot

    def fit(self, now_ns: int, spacing_ns: int, near: list[Entry]) -> list[Entry]:
        """Choose the width for events that lie so far apart; returns those that are before the horizon then.

        ``near`` are those before the horizon now. Slots that are less than four times too wide or too narrow
        stay, and so do few events.
        """
        bits = (spacing_ns * PER_SLOT).bit_length()
        if self._length + len(near) < CROWD or (self._numbers and abs(bits - self._bits) < 2):
            return near
        entries = [*near, *(entry for slot in self._slots.values() for entry in slot)]
        self._bits = bits
        self._slots, self._numbers, self._length = {}, [], 0
        self.horizon_ns = ((now_ns >> bits) + 1) << bits
        soon = []
        for entry in entries:
            if entry[0] < self.horizon_ns:
                soon.append(entry)
            else:
                self.add(entry)
        return soon
