"""The gateway: where clients hand in requests and get their answers.

Requests that no pool could ever hold are refused here. A serving program takes a while before
the engine sees a request and before the client sees a token; the way back takes longer the more
requests get tokens from the same replica in the same step, for one process hands all of them out.
There is no queue in front of the API server, and by default no delay at all. Clients may give up
after a while: then the engine is told to drop the request.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simpy.events import Event

from simulator.engine.limits import longest_prompt, longest_request, refuse_length
from simulator.engine.pool import PoolPlan
from simulator.engine.request import NEVER, Request
from simulator.engine.timing import Appointment, NsEnvironment
from simulator.results.recording import STATUSES
from simulator.results.request_log import RequestLog

#: How a request ends by its finish reason: the engine's, or the gateway's own.
_STATUS = {
    "stop": STATUSES.index("finished"),
    "length": STATUSES.index("finished"),
    "abort": STATUSES.index("aborted"),
    **{status: STATUSES.index(status) for status in ("timed_out", "shed", "failed", "refused")},
}


@dataclass(frozen=True, slots=True)
class ServingDelays:
    """Time from the client to the engine, and from a token to the client [ns].

    ``prompt_token_ns`` comes on top of ``request_ns`` for every token of the prompt, ``token_share_ns`` on
    top of ``token_ns`` for every request that is with the same replica.
    ``timeout_ns`` is how long a client waits for its last token; 0: as long as it takes.
    """

    request_ns: int = 0
    prompt_token_ns: int = 0
    token_ns: int = 0
    token_share_ns: int = 0
    timeout_ns: int = 0


NO_DELAYS = ServingDelays()


class Gateway:
    """Takes requests in, writes the row of each that ends, and tells its client.

    Parameters
    ----------
    pools
        What the cluster is made of.
    log
        Gets one row per ended request, in order of ending.
    delays
        Of the serving program.

    Attributes
    ----------
    serve, neighbours
        What brings a request to its replicas, and how many requests are with the replica of a
        request; set by the cluster.
    submitted, ended
        Requests so far.
    """

    def __init__(
        self, env: NsEnvironment, pools: Sequence[PoolPlan], log: RequestLog, delays: ServingDelays
    ) -> None:
        self.env = env
        self.serve: Callable[[Request], None]
        self.neighbours: Callable[[Request], int]
        self.submitted = 0
        self.ended = 0
        self._pools = pools
        self._longest = longest_request(pools)
        self._longest_prompt = longest_prompt(pools) or self._longest
        self._add_row = log.add
        self._delays = delays
        self._patience = Patience(env, delays.timeout_ns, self._give_up) if delays.timeout_ns else None

    def submit(self, request: Request) -> None:
        """Take in a request now.

        Raises
        ------
        InputError
            Where no replica could hold it.
        """
        if (
            request.prompt_tokens + request.output_tokens > self._longest
            or request.prompt_tokens > self._longest_prompt
        ):
            raise self._refusal(request)
        request.arrival_ns = self.env.now
        self.submitted += 1
        if self._patience is not None:
            self._patience.begin(request)
        wait = self._delays.request_ns + self._delays.prompt_token_ns * request.prompt_tokens
        if wait:
            request.place = Delay(self.env, wait, request, self.serve, self.aborted)
        else:
            self.serve(request)

    def done(self, request: Request) -> None:
        """The engine is done with a request: the client gets to know after the delay of a token."""
        delay = self._delays.token_ns
        if self._delays.token_share_ns:
            delay += self._delays.token_share_ns * self.neighbours(request)
        if not delay:
            self._answer(request)
            return
        request.finish_ns += delay
        if request.first_token_ns != NEVER:
            request.first_token_ns += delay
        if request.first_answer_ns != NEVER:
            request.first_answer_ns += delay
        Appointment(self.env, delay, lambda _: self._answer(request))

    def end(self, request: Request, reason: str) -> None:
        """A request that is in no replica ends now: ``shed``, ``failed``, ``refused``, ``abort``."""
        request.finish_reason = reason
        request.finish_ns = self.env.now
        self._answer(request)

    def aborted(self, request: Request) -> None:
        """A request is dropped between two places."""
        self.end(request, "abort")

    def _give_up(self, request: Request) -> None:
        assert request.place is not None
        request.place.abort(request)

    def _answer(self, request: Request) -> None:
        self.ended += 1
        reason = request.finish_reason
        if reason == "abort" and self._patience is not None and self._patience.is_over(request):
            reason = "timed_out"
        outputs = request.outputs
        thinking = request.thinking_tokens
        self._add_row(
            (
                request.index,
                _STATUS[reason],
                request.arrival_ns,
                request.first_scheduled_ns,
                request.first_token_ns,
                request.first_answer_ns,
                request.finish_ns,
                request.prompt_tokens,
                outputs,
                thinking if thinking < outputs else outputs,
                request.cached_tokens if request.cached_tokens > 0 else 0,
                request.preemptions,
                request.pool,
                request.replica,
            )
        )
        if request.on_end is not None:
            request.on_end(request)

    def _refusal(self, request: Request) -> Exception:
        prompt, output = request.prompt_tokens, request.output_tokens
        if prompt + output > self._longest:
            pools = [pool for pool in self._pools if pool.role != "prefill"]
            what = f"request {request.index} (prompt {prompt:,} + output {output:,}) has"
            return refuse_length(pools, prompt + output, what)
        pools = [pool for pool in self._pools if pool.role == "prefill"]
        what = f"request {request.index} (prompt {prompt:,} + its first output) has"
        return refuse_length(pools, prompt + 1, what)


class Delay:
    """A request on its way through the serving program to its service."""

    def __init__(
        self,
        env: NsEnvironment,
        delay_ns: int,
        request: Request,
        serve: Callable[[Request], None],
        aborted: Callable[[Request], None],
    ) -> None:
        self._serve = serve
        self._aborted = aborted
        self._request: Request | None = request
        Appointment(env, delay_ns, self._over)

    def abort(self, request: Request) -> None:
        """The client has given up: the request never gets there."""
        self._request = None
        self._aborted(request)

    def _over(self, event: Event) -> None:
        if self._request is not None:
            self._serve(self._request)


class Patience:
    """Clients that all wait equally long, so that they give up in the order in which they came.

    One event stands for the oldest of them. ``give_up`` is called with every request that the engine
    has not ended ``timeout_ns`` after its arrival.
    """

    def __init__(self, env: NsEnvironment, timeout_ns: int, give_up: Callable[[Request], None]) -> None:
        self.env = env
        self.timeout_ns = timeout_ns
        self._give_up = give_up
        self._waiting: deque[Request] = deque()

    def begin(self, request: Request) -> None:
        """A client begins to wait."""
        self._waiting.append(request)
        if len(self._waiting) == 1:
            self._appoint()

    def is_over(self, request: Request) -> bool:
        """Whether the client of a request has given up by now."""
        return self.env.now - request.arrival_ns >= self.timeout_ns

    def _appoint(self) -> None:
        oldest = self._waiting[0]
        Appointment(self.env, oldest.arrival_ns + self.timeout_ns - self.env.now, self._check)

    def _check(self, event: Event) -> None:
        waiting = self._waiting
        while waiting:
            request = waiting[0]
            if request.finish_ns == NEVER:
                if not self.is_over(request):
                    break
                self._give_up(request)
            waiting.popleft()
        if waiting:
            self._appoint()
