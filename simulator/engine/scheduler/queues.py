"""Waiting queues: in order of arrival, and by a key of each request."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from simulator.engine.request import Request


class WaitingQueue(Protocol):
    """Requests that wait for admission, in the policy's order."""

    def add(self, request: Request) -> None:
        """A new arrival."""

    def peek(self) -> Request:
        """The next to be admitted."""
        ...

    def pop(self) -> Request:
        """Remove and return the next to be admitted."""
        ...

    def put_back(self, request: Request) -> None:
        """Return a preempted request."""

    def remove(self, request: Request) -> None:
        """Take an aborted request out."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Request]:
        """All of them, in any order."""
        ...


class ArrivalOrder:
    """First come first served; a preempted request goes back to the front."""

    def __init__(self) -> None:
        self._queue: deque[Request] = deque()
        self.add = self._queue.append
        self.pop = self._queue.popleft
        self.remove = self._queue.remove
        self.put_back = self._queue.appendleft

    def peek(self) -> Request:
        return self._queue[0]

    def reorder(self, key: Callable[[Request], Any]) -> None:
        """Let the smallest key be first in line now; later arrivals line up behind."""
        ordered = sorted(self._queue, key=key)
        self._queue.clear()
        self._queue.extend(ordered)

    def __len__(self) -> int:
        return len(self._queue)

    def __iter__(self) -> Iterator[Request]:
        return iter(self._queue)


class KeyOrder:
    """The smallest key first, also among those put back; equal keys in order of arrival."""

    def __init__(self, key: Callable[[Request], Any]) -> None:
        self._key = key
        self._heap: list[tuple[Any, int, Request]] = []
        self.put_back = self.add

    def add(self, request: Request) -> None:
        heapq.heappush(self._heap, (self._key(request), request.index, request))

    def peek(self) -> Request:
        return self._heap[0][2]

    def pop(self) -> Request:
        return heapq.heappop(self._heap)[2]

    def remove(self, request: Request) -> None:
        self._heap = [item for item in self._heap if item[2] is not request]
        heapq.heapify(self._heap)

    def __len__(self) -> int:
        return len(self._heap)

    def __iter__(self) -> Iterator[Request]:
        return (request for _, _, request in self._heap)
