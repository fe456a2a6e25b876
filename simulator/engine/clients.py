"""Clients that give up after a while, and try again.

A client waits so long for its first token, so long for its last; then it gives up and the engine drops
the request. What is retried waits before each new attempt:

    wait = min(backoff * factor^(attempts - 1), longest) * (1 - jitter * U),  U uniform in [0, 1)

(exponential backoff with jitter; M. Brooker, "Exponential Backoff and Jitter", AWS 2015: ``jitter`` 1 is
his full jitter, 0.5 his equal jitter). An attempt starts from nothing: what the client had of the last one
is thrown away. The latencies of a request count from its first attempt.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from simpy.events import Event

from simulator.engine.request import NEVER, Request
from simulator.engine.timing import Appointment, NsEnvironment
from simulator.results.wait_log import EARLIER_ATTEMPTS, WaitLog


@dataclass(frozen=True, slots=True)
class ClientPlan:
    """How patient clients are; times in [ns], 0: as long as it takes.

    Attributes
    ----------
    timeout_ns, first_token_ns
        How long a client waits for its last token, and for its first, in each attempt.
    retries
        Attempts after the first.
    backoff_ns, factor, longest_backoff_ns, jitter
        Wait before an attempt; see the module.
    retry_on
        Statuses after which it is tried again.
    """

    timeout_ns: int = 0
    first_token_ns: int = 0
    retries: int = 0
    backoff_ns: int = 1_000_000_000
    factor: float = 2.0
    longest_backoff_ns: int = 60_000_000_000
    jitter: float = 0.5
    retry_on: tuple[str, ...] = ("timed_out", "shed", "failed")


class Clients:
    """The clients of one tenant.

    Parameters
    ----------
    again
        Called with a request whose client tries again, when it does.
    waits
        Is told what came to nothing, from a request's arrival to the next attempt.
    """

    def __init__(
        self,
        env: NsEnvironment,
        plan: ClientPlan,
        random: np.random.Generator,
        again: Callable[[Request], None],
        waits: WaitLog,
    ) -> None:
        self.env = env
        self._waits = waits
        self.plan = plan
        self._random = random
        self._again = again
        self._given_up: set[int] = set()
        self._patience = [
            Patience(env, timeout_ns, self._give_up, satisfied)
            for timeout_ns, satisfied in ((plan.timeout_ns, _never), (plan.first_token_ns, _has_token))
            if timeout_ns
        ]

    def begin(self, request: Request) -> None:
        """An attempt begins."""
        for patience in self._patience:
            patience.begin(request)

    def ended(self, request: Request, reason: str) -> str | None:
        """How a request without its whole output ends for its client; None where it will be tried again."""
        if reason == "abort" and request.index in self._given_up:
            self._given_up.discard(request.index)
            reason = "timed_out"
        plan = self.plan
        if request.attempts > plan.retries or reason not in plan.retry_on:
            return reason
        wait = min(plan.backoff_ns * plan.factor ** (request.attempts - 1), plan.longest_backoff_ns)
        wait *= 1 - plan.jitter * self._random.random()
        request.try_again()
        self._waits.add(request.index, EARLIER_ATTEMPTS, request.arrival_ns, self.env.now + round(wait))
        Appointment(self.env, round(wait), lambda _: self._again(request))
        return None

    def _give_up(self, request: Request) -> None:
        assert request.place is not None
        self._given_up.add(request.index)
        request.place.abort(request)


class Patience:
    """Clients that all wait equally long, so that they give up in the order in which they began to wait.

    One event stands for the oldest of them. ``give_up`` is called with every request that has neither
    ended nor satisfied its client after ``timeout_ns``.
    """

    def __init__(
        self,
        env: NsEnvironment,
        timeout_ns: int,
        give_up: Callable[[Request], None],
        satisfied: Callable[[Request, int], bool],
    ) -> None:
        self.env = env
        self.timeout_ns = timeout_ns
        self._give_up = give_up
        self._satisfied = satisfied
        self._waiting: deque[tuple[int, Request, int]] = deque()

    def begin(self, request: Request) -> None:
        """A client begins to wait."""
        self._waiting.append((self.env.now + self.timeout_ns, request, request.attempts))
        if len(self._waiting) == 1:
            self._appoint()

    def _appoint(self) -> None:
        Appointment(self.env, self._waiting[0][0] - self.env.now, self._check)

    def _check(self, event: Event) -> None:
        waiting = self._waiting
        now = self.env.now
        while waiting:
            deadline, request, attempt = waiting[0]
            waits = request.finish_ns == NEVER and request.attempts == attempt
            if waits and not self._satisfied(request, now):
                if deadline > now:
                    break
                self._give_up(request)
            waiting.popleft()
        if waiting:
            self._appoint()


def _never(request: Request, now: int) -> bool:
    """Who waits for the last token has it when the request ends."""
    return False


def _has_token(request: Request, now: int) -> bool:
    """A step that executes may already know when its first token will be there."""
    return NEVER < request.first_token_ns < now or request.begun_ns != NEVER
