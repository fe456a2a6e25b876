"""The gateway: where clients hand in requests and get their answers.

Requests that no pool could ever hold are refused here. A serving program takes a while before
the engine sees a request and before the client sees a token; the way back takes longer the more
requests get tokens from the same replica in the same step, for one process hands all of them out.
There is no queue in front of the API server, and by default no delay at all. Clients may give up and try
again (`engine.clients`), and not everybody may be let in (`engine.admission`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simpy.events import Event

from simulator.engine.clients import Clients
from simulator.engine.limits import longest_prompt, longest_request, refuse_length
from simulator.engine.pool import PoolPlan
from simulator.engine.request import NEVER, WHOLE, Request
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
    """

    request_ns: int = 0
    prompt_token_ns: int = 0
    token_ns: int = 0
    token_share_ns: int = 0


NO_DELAYS = ServingDelays()


class Gateway:
    """Takes requests in, writes the row of each that ends, and tells its client.

    Parameters
    ----------
    pools
        Those that may serve each tenant.
    log
        Gets one row per ended request, in order of ending.
    delays
        Of the serving program.
    refuses
        Whether a request that no replica could hold ends as refused; else it is an error.

    Attributes
    ----------
    serve, neighbours
        What brings a request to its replicas, and how many requests are with the replica of a
        request; set by the cluster.
    clients
        Of each tenant; None where they wait as long as it takes; set by the cluster.
    left
        Told of every request that the cluster is done with; None: nobody.
    submitted, ended
        Requests so far.
    """

    def __init__(
        self,
        env: NsEnvironment,
        pools: Sequence[Sequence[PoolPlan]],
        log: RequestLog,
        delays: ServingDelays,
        refuses: bool = False,
    ) -> None:
        self.env = env
        self.serve: Callable[[Request], None]
        self.neighbours: Callable[[Request], int]
        self.left: Callable[[Request], None] | None = None
        self.clients: list[Clients | None] = [None] * len(pools)
        self.submitted = 0
        self.ended = 0
        self._pools = pools
        self._longest = [longest_request(mine) for mine in pools]
        self._longest_prompt = [longest_prompt(mine) or longest_request(mine) for mine in pools]
        self._add_row = log.add
        self._delays = delays
        self._delays_requests = delays.request_ns > 0 or delays.prompt_token_ns > 0
        self._refuses = refuses

    def submit(self, request: Request) -> None:
        """Take in a request now.

        Raises
        ------
        InputError
            Where no replica could hold it, unless such requests are refused.
        """
        tenant = request.tenant
        if (
            request.prompt_tokens + request.output_tokens > self._longest[tenant]
            or request.prompt_tokens > self._longest_prompt[tenant]
        ):
            self._refuse(request)
            return
        request.arrival_ns = self.env.now
        self.submitted += 1
        self.enter(request)

    def enter(self, request: Request) -> None:
        """An attempt of a request begins."""
        client = self.clients[request.tenant]
        if client is not None:
            client.begin(request)
        if self._delays_requests:
            wait = self._delays.request_ns + self._delays.prompt_token_ns * request.prompt_tokens
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

    def _answer(self, request: Request) -> None:
        if self.left is not None:
            self.left(request)
        reason = request.finish_reason
        if reason not in WHOLE:
            client = self.clients[request.tenant]
            outcome = reason if client is None else client.ended(request, reason)
            if outcome is None:
                return  # it will be tried again
            reason = outcome
        self.ended += 1
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
                request.tenant,
                request.attempts,
            )
        )
        if request.on_end is not None:
            request.on_end(request)

    def _refuse(self, request: Request) -> None:
        if not self._refuses:
            raise self._refusal(request)
        request.arrival_ns = self.env.now
        self.submitted += 1
        Appointment(self.env, 0, lambda _: self.end(request, "refused"))

    def _refusal(self, request: Request) -> Exception:
        prompt, output = request.prompt_tokens, request.output_tokens
        mine = self._pools[request.tenant]
        if prompt + output > self._longest[request.tenant]:
            pools = [pool for pool in mine if pool.role != "prefill"]
            what = f"request {request.index} (prompt {prompt:,} + output {output:,}) has"
            return refuse_length(pools, prompt + output, what)
        pools = [pool for pool in mine if pool.role == "prefill"]
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
