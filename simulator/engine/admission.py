"""Admission control: what the gateway lets through to the replicas, what waits, what is turned away.

A limit on requests or tokens under way holds back what comes beyond it, in a queue at the gateway; what
the queue has no room for is shed at once, and so is what has waited there too long; where both a tenant's
limit and the overall one hold a request back, both queues need room for it. A rate limit is a token
bucket: it fills with ``rate`` per second up to ``burst``, every request takes one, and who finds it empty
is shed. Limits hold for all requests together and for each tenant; the most urgent tenant's requests
are let in first, equally urgent ones in order of arrival, and a tenant at its limit holds up nobody else.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from simulator.engine.request import Request
from simulator.engine.timing import Appointment, NsEnvironment
from simulator.results.wait_log import GATEWAY, WaitLog
from simulator.units.clock import NS_PER_S


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one tenant or of all together; None: no such limit.

    Attributes
    ----------
    outstanding, tokens
        Requests that were let through and have not ended, and their tokens, prompt and output.
    queue, queue_ns
        Requests that may wait at the gateway, and how long each [ns].
    rate, burst
        Requests per second [1/s], and how many may come at once.
    """

    outstanding: int | None = None
    tokens: int | None = None
    queue: int = 0
    queue_ns: int | None = None
    rate: float | None = None
    burst: int = 1


class Gate:
    """One set of limits and what it counts."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.outstanding = self.tokens = self.queued = 0
        self._bucket = float(limits.burst)
        self._filled_at = 0

    def has_room(self, request: Request) -> bool:
        """Whether one more may be under way. A request too large for the limit on tokens goes alone."""
        limits = self.limits
        if limits.outstanding is not None and self.outstanding >= limits.outstanding:
            return False
        if limits.tokens is None or not self.outstanding:
            return True
        return self.tokens + _tokens(request) <= limits.tokens

    def in_rate(self, now: int) -> bool:
        """Whether the bucket has something for one more; it is taken."""
        limits = self.limits
        if limits.rate is None:
            return True
        refilled = self._bucket + limits.rate * (now - self._filled_at) / NS_PER_S
        self._bucket = min(refilled, float(limits.burst))
        self._filled_at = now
        if self._bucket < 1.0:
            return False
        self._bucket -= 1.0
        return True

    def enter(self, request: Request) -> None:
        """It is under way."""
        self.outstanding += 1
        self.tokens += _tokens(request)

    def leave(self, request: Request) -> None:
        """It has ended."""
        self.outstanding -= 1
        self.tokens -= _tokens(request)


class Admission:
    """The gates in front of the services.

    Parameters
    ----------
    overall, tenants
        Limits of all requests together, and of each tenant.
    serve
        Takes those that are let through.
    end
        Ends those that are not, for a reason.
    waits
        Is told who waited, and how long.
    """

    def __init__(
        self,
        env: NsEnvironment,
        overall: Limits,
        tenants: Sequence[Limits],
        serve: Callable[[Request], None],
        end: Callable[[Request, str], None],
        waits: WaitLog,
    ) -> None:
        self.env = env
        self._serve = serve
        self._end = end
        self._waits = waits
        self._overall = Gate(overall)
        self._gates = [Gate(limits) for limits in tenants]
        self._queues: list[list[tuple[int, int, Request]]] = [[] for _ in tenants]
        self._places: dict[Request, int] = {}  # those in a queue, and their ticket there
        self._since: dict[Request, int] = {}  # when they joined it
        self._inside: set[Request] = set()
        self._ticket = count()

    def submit(self, request: Request) -> None:
        """Let a request through, let it wait, or shed it."""
        gate, overall = self._gates[request.tenant], self._overall
        now = self.env.now
        if not (gate.in_rate(now) and overall.in_rate(now)):
            self._shed(request)
            return
        head = self._head(request.tenant)
        ahead = (request,) if head is None else (head[2], request)
        full = [one for one in (gate, overall) if not all(map(one.has_room, ahead))]
        if head is None and not full:
            self._let_in(request)
        elif all(map(self._may_wait, full)):
            self._wait(request)
        else:
            self._shed(request)

    def left(self, request: Request) -> None:
        """A request has ended, or its client will try again later."""
        if request in self._inside:
            self._inside.discard(request)
            self._gates[request.tenant].leave(request)
            self._overall.leave(request)
            self._serve_queues()

    def abort(self, request: Request) -> None:
        """The client of a waiting request has given up."""
        self._give_up(request, "abort")

    def _may_wait(self, gate: Gate) -> bool:
        return gate.queued < gate.limits.queue

    def _wait(self, request: Request) -> None:
        ticket = next(self._ticket)
        request.place = self
        self._places[request] = ticket
        self._since[request] = self.env.now
        heapq.heappush(self._queues[request.tenant], (request.priority, ticket, request))
        for gate in (self._gates[request.tenant], self._overall):
            gate.queued += 1
        waits = [g.limits.queue_ns for g in (self._gates[request.tenant], self._overall)]
        longest = min((ns for ns in waits if ns is not None), default=None)
        if longest is not None:
            Appointment(self.env, longest, lambda _: self._too_late(request, ticket))

    def _too_late(self, request: Request, ticket: int) -> None:
        if self._places.get(request) == ticket:
            self._give_up(request, "shed")

    def _give_up(self, request: Request, reason: str) -> None:
        """It waits no longer; those that it held up come before what its end may bring."""
        self._leave_queue(request)
        self._serve_queues()
        self._end(request, reason)

    def _leave_queue(self, request: Request) -> None:
        del self._places[request]
        self._waits.add(request.index, GATEWAY, self._since.pop(request), self.env.now)
        for gate in (self._gates[request.tenant], self._overall):
            gate.queued -= 1

    def _shed(self, request: Request) -> None:
        """At this instant, but not within the call: a client that sends the next at once may be shed too."""
        Appointment(self.env, 0, lambda _: self._end(request, "shed"))

    def _let_in(self, request: Request) -> None:
        self._inside.add(request)
        self._gates[request.tenant].enter(request)
        self._overall.enter(request)
        self._serve(request)

    def _serve_queues(self) -> None:
        """Let in whoever may, the most urgent of all queues first."""
        while True:
            heads = [head for head in map(self._head, range(len(self._queues))) if head is not None]
            allowed = [
                head
                for head in heads
                if self._gates[head[2].tenant].has_room(head[2]) and self._overall.has_room(head[2])
            ]
            if not allowed:
                return
            request = min(allowed)[2]
            heapq.heappop(self._queues[request.tenant])
            self._leave_queue(request)
            self._let_in(request)

    def _head(self, tenant: int) -> tuple[int, int, Request] | None:
        """The first of a queue that still waits."""
        queue = self._queues[tenant]
        while queue and self._places.get(queue[0][2]) != queue[0][1]:
            heapq.heappop(queue)
        return queue[0] if queue else None


def _tokens(request: Request) -> int:
    return request.prompt_tokens + request.output_tokens
