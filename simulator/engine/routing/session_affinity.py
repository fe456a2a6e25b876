"""Session affinity: all requests of a conversation go to the replica that has its history.

A session is told by its prompt: the first text in it that is no shared system prompt. Requests without
such content, first requests, and sessions whose replica has left go where the fewest requests are.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.engine.routing.least_outstanding import LeastOutstanding

#: Streams of system prompts and of answers (`workload.sessions`): others have them too.
SHARED = ("prefix:", "out:")
#: Sessions remembered; beyond that the ones seen longest ago are forgotten.
MOST_SESSIONS = 1_000_000


def session_of(request: Request) -> Hashable | None:
    """What tells the session of a request from others; None where it says nothing."""
    for stream, _, _ in request.content or ():
        if not (isinstance(stream, str) and stream.startswith(SHARED)):
            return stream
    return None


class SessionAffinity(LeastOutstanding):
    """The home of the session; a new home where that has ``most_ahead`` more requests than another replica.

    ``most_ahead`` None: a session stays at home however crowded it is.
    """

    def __init__(
        self, replicas: Sequence[Replica], random: np.random.Generator, most_ahead: int | None = None
    ) -> None:
        super().__init__(replicas, random)
        self._most_ahead = most_ahead
        self._homes: dict[Hashable, Replica] = {}

    def choose(self, request: Request) -> Replica:
        """Home, or a new one."""
        session = session_of(request)
        if session is None:
            return super().choose(request)
        home = self._homes.get(session)
        if home is None or not self._ladder.has(home) or self._is_crowded(home):
            home = super().choose(request)
        self._homes.pop(session, None)
        self._homes[session] = home
        if len(self._homes) > MOST_SESSIONS:
            del self._homes[next(iter(self._homes))]
        return home

    def _is_crowded(self, home: Replica) -> bool:
        ahead = self._ladder.count(home) - self._ladder.least
        return self._most_ahead is not None and ahead > self._most_ahead
