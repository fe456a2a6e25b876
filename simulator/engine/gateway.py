"""The gateway: where clients hand in requests and get their answers.

Requests that no pool could ever hold are refused here. A serving program takes a while before
the engine sees a request and before the client sees a token; both delays are constant here
(no queue in front of the API server) and zero by default.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulator.engine.limits import longest_prompt, longest_request, refuse_length
from simulator.engine.pool import PoolPlan
from simulator.engine.request import NEVER, Request
from simulator.engine.timing import Appointment, NsEnvironment
from simulator.results.recording import STATUSES
from simulator.results.request_log import RequestLog

_FINISHED = STATUSES.index("finished")
_ABORTED = STATUSES.index("aborted")


@dataclass(frozen=True, slots=True)
class ServingDelays:
    """Time from the client to the engine, and from a token to the client [ns]."""

    request_ns: int = 0
    token_ns: int = 0


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
    serve
        What brings a request to its replicas; set by the cluster.
    submitted, ended
        Requests so far.
    """

    def __init__(
        self, env: NsEnvironment, pools: Sequence[PoolPlan], log: RequestLog, delays: ServingDelays
    ) -> None:
        self.env = env
        self.serve: Callable[[Request], None]
        self.submitted = 0
        self.ended = 0
        self._pools = pools
        self._longest = longest_request(pools)
        self._longest_prompt = longest_prompt(pools) or self._longest
        self._add_row = log.add
        self._delays = delays

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
        if self._delays.request_ns:
            Appointment(self.env, self._delays.request_ns, lambda _: self.serve(request))
        else:
            self.serve(request)

    def done(self, request: Request) -> None:
        """The engine is done with a request: the client gets to know after the delay of a token."""
        delay = self._delays.token_ns
        if not delay:
            self._answer(request)
            return
        request.finish_ns += delay
        if request.first_token_ns != NEVER:
            request.first_token_ns += delay
        if request.first_answer_ns != NEVER:
            request.first_answer_ns += delay
        Appointment(self.env, delay, lambda _: self._answer(request))

    def _answer(self, request: Request) -> None:
        self.ended += 1
        outputs = request.outputs
        thinking = request.thinking_tokens
        self._add_row(
            (
                request.index,
                _ABORTED if request.finish_reason == "abort" else _FINISHED,
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
