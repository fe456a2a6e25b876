"""Where a cluster's requests come from: an open loop keeps to its times, a closed loop to a number in flight.

Both draw on a workload chunk by chunk, so that memory holds one chunk of columns and the
requests under way. The open loop takes one event per distinct arrival time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat

from simpy.events import NORMAL, Event

from simulator.engine.content import canonical
from simulator.engine.replica import Replica
from simulator.engine.request import Request
from simulator.engine.timing import Alarm, Appointment, NsEnvironment
from simulator.workload.traffic import RequestSource, Traffic

Submit = Callable[[Request], None]


def requests_of(source: RequestSource, with_content: bool = True) -> Iterator[Request]:
    """The requests of a workload, one by one.

    Parameters
    ----------
    source
        The workload.
    with_content
        Whether anyone asks what the prompts say (a prefix cache does).
    """
    start = 0
    for traffic in source.chunks():
        yield from _requests(traffic, start, source.ends_on_stop, with_content)
        start += len(traffic)


def _requests(traffic: Traffic, start: int, ends_on_stop: bool, with_content: bool) -> Iterator[Request]:
    """One chunk's requests. The hot path of a source: lists instead of numpy elements."""
    extra = 1 if ends_on_stop else 0  # any number beyond the output: the stop token comes first
    thinking = repeat(0) if traffic.thinking_tokens is None else traffic.thinking_tokens.tolist()
    priority = repeat(0) if traffic.priority is None else traffic.priority.tolist()
    names = repeat("") if traffic.names is None else traffic.names
    pieces = traffic.pieces if with_content and traffic.pieces is not None else repeat(None)
    think = repeat(0) if traffic.think_ns is None else traffic.think_ns.tolist()
    columns = zip(
        range(start, start + len(traffic)),
        traffic.arrival_ns.tolist(),
        traffic.prompt_tokens.tolist(),
        traffic.output_tokens.tolist(),
        thinking,
        priority,
        names,
        pieces,
        think,
        strict=False,
    )
    for index, arrival_ns, prompt, output, thought, urgency, name, prompt_pieces, think_ns in columns:
        content = None
        if prompt_pieces is not None:
            content = canonical((*prompt_pieces, (f"out:{name or index}", 0, output)))
        request = Request(
            index,
            arrival_ns,
            prompt,
            output,
            name=name,
            content=content,
            max_tokens=output + extra,
            priority=urgency,
            thinking_tokens=thought,
        )
        request.think_ns = think_ns
        yield request


class OpenLoop:
    """Submits every request at its arrival time, however the cluster fares.

    ``receiver`` gets all of them and is told when the next one comes; None where nobody can know who gets it.
    """

    def __init__(
        self,
        env: NsEnvironment,
        requests: Iterator[Request],
        submit: Submit,
        receiver: Replica | None = None,
    ) -> None:
        self.env = env
        self._requests = requests
        self._submit = submit
        self._receiver = receiver
        self._next = next(requests, None)
        self._alarm = Alarm(env, self._arrive)
        self._appoint()

    def _appoint(self) -> None:
        if self._next is not None:
            arrival_ns = self._next.arrival_ns
            if self._receiver is not None:
                self._receiver.expected_ns = arrival_ns
            self.env.schedule_at(self._alarm, NORMAL, arrival_ns)

    def _arrive(self) -> None:
        request = self._next
        now = self.env.now
        while request is not None and request.arrival_ns == now:
            self._submit(request)
            request = next(self._requests, None)
        self._next = request
        self._appoint()


class ClosedLoop:
    """Keeps ``concurrency`` requests in flight: the next is sent at the instant at which one ends.

    Where users think, each of them is in flight or thinking: the next is sent after its think time.
    Ends with the last request, or at ``until_ns``; then those in flight run out.
    """

    def __init__(
        self,
        env: NsEnvironment,
        requests: Iterator[Request],
        submit: Submit,
        concurrency: int,
        until_ns: int | None = None,
    ) -> None:
        self.env = env
        self._requests = requests
        self._submit = submit
        self._until_ns = until_ns
        self._concurrency = concurrency
        Appointment(env, 0, self._begin)

    def _begin(self, event: Event) -> None:
        for _ in range(self._concurrency):
            self._send()

    def _send(self, ended: Request | None = None) -> None:
        request = None if self._is_over() else next(self._requests, None)
        if request is None:
            return
        request.on_end = self._send
        if request.think_ns:
            Appointment(self.env, request.think_ns, lambda _: self._send_late(request))
        else:
            self._submit(request)

    def _send_late(self, request: Request) -> None:
        if not self._is_over():
            self._submit(request)

    def _is_over(self) -> bool:
        return self._until_ns is not None and self.env.now >= self._until_ns
