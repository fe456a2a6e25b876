"""Disaggregated serving: one replica computes the prompt, another one the output.

A prefill replica runs the request for one output token, the request's first. Then the KV
cache of the prompt travels over the replica's link to a decode replica, chosen when the
prompt is done, which goes on from there without computing the prompt again. What the client
sees is one request: its first token comes from the prefill pool, the rest from the decode pool.

Left out: reservation of blocks on the decode side before the transfer, and back-pressure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from simulator.engine.pool import Pool
from simulator.engine.replica import Replica
from simulator.engine.request import NEVER, Request
from simulator.engine.routing.router import Router
from simulator.engine.transfer import Link


class Handover:
    """A request on its way through a prefill replica, a link and a decode replica.

    Attributes
    ----------
    prompt
        What the prefill replica has of it; None once that is done.
    source, target
        The prefill replica, and the decode replica once it is chosen.
    sending
        Number of the transfer under way; an arrival of an earlier one counts for nothing.
    """

    __slots__ = ("parent", "prompt", "request", "sending", "source", "target")

    def __init__(self, parent: Disaggregation, request: Request, source: Replica) -> None:
        self.parent = parent
        self.request = request
        self.source = source
        self.target: Replica | None = None
        self.prompt: Request | None = None
        self.sending = 0

    def abort(self, request: Request) -> None:
        """The client has given up: the prompt is dropped, or the transfer comes to nothing."""
        if self.prompt is not None:
            assert self.prompt.place is not None
            self.prompt.place.abort(self.prompt)
        else:
            self.parent.give_up(self)


class Disaggregation:
    """Takes each request through a prefill replica, a link and a decode replica.

    Parameters
    ----------
    pools
        All pools of the cluster, so that a request's pool number finds its pool.
    router
        Chooses among the replicas of the decode pools.
    link_of
        The way out of a prefill replica.
    done
        Called with every request that has ended.
    aborted
        Called with every request that is dropped between two replicas.

    Attributes
    ----------
    left_prefill
        Called where a prompt has left its prefill replica; set by the service.
    """

    def __init__(
        self,
        pools: Sequence[Pool],
        router: Router,
        link_of: Callable[[Replica], Link],
        done: Callable[[Request], None],
        aborted: Callable[[Request], None],
    ) -> None:
        self._pools = pools
        self._router = router
        self._link_of = link_of
        self._done = done
        self._aborted = aborted
        self.left_prefill: Callable[[Replica, Request], None]
        for pool in pools:
            if pool.plan.role == "prefill":
                pool.ended = self._prompt_ended
            elif pool.plan.role == "decode":
                pool.ended = self._output_ended
        self._under_way: dict[int, Handover] = {}  # by the request's index, until its output begins
        self._prompt_preemptions: dict[int, int] = {}

    # -- the way of a request ------------------------------------------------------------------

    def begin(self, request: Request, replica: Replica) -> None:
        """Send the prompt of a request on its way."""
        prompt = Request(
            request.index,
            request.arrival_ns,
            request.known_tokens,
            1,
            name=request.name,
            content=request.content,
            priority=request.priority,
        )
        handover = Handover(self, request, replica)
        handover.prompt = prompt
        request.place = handover
        self._under_way[request.index] = handover
        self._pools[replica.pool].send(prompt, replica)

    def _prompt_ended(self, prompt: Request) -> None:
        handover = self._under_way[prompt.index]
        self.left_prefill(handover.source, prompt)
        request = handover.request
        handover.prompt = None
        _hand_over(prompt, request)
        request.pool, request.replica = prompt.pool, prompt.replica
        if prompt.finish_reason == "abort" or request.outputs == request.output_tokens:
            del self._under_way[request.index]
            request.finish_reason = "stop" if request.stops else "length"
            if prompt.finish_reason == "abort":
                request.finish_reason = "abort"
            request.finish_ns = prompt.finish_ns
            request.preemptions += prompt.preemptions
            self._done(request)
            return
        if prompt.preemptions:
            self._prompt_preemptions[request.index] = prompt.preemptions
        self._send(handover)

    def _send(self, handover: Handover) -> None:
        request = handover.request
        if not self._router.replicas:
            handover.target = None  # until a decode replica joins
            return
        handover.target = target = self._router.choose(request)
        if self._router.listens:
            self._router.sent(target, request)
        handover.sending += 1
        sending = handover.sending
        size = self._pools[handover.source.pool].plan.kv_bytes_per_token * request.remote_tokens
        self._link_of(handover.source).send(size, lambda: self._arrived(handover, sending))

    def _arrived(self, handover: Handover, sending: int) -> None:
        if handover.sending != sending:
            return
        request, target = handover.request, handover.target
        assert target is not None
        del self._under_way[request.index]
        self._pools[target.pool].send(request, target)

    def _output_ended(self, request: Request) -> None:
        if self._router.listens:
            self._router.ended(self._pools[request.pool].replicas[request.replica], request)
        request.preemptions += self._prompt_preemptions.pop(request.index, 0)
        self._done(request)

    # -- what can go wrong -----------------------------------------------------------------------

    def give_up(self, handover: Handover) -> None:
        """The client of a request between two replicas has given up."""
        request = handover.request
        handover.sending += 1
        del self._under_way[request.index]
        if handover.target is not None and self._router.listens:
            self._router.ended(handover.target, request)
        request.preemptions += self._prompt_preemptions.pop(request.index, 0)
        self._aborted(request)

    def lost_with(self, replica: Replica, prompts: Sequence[Request]) -> list[Request]:
        """A replica is gone: whole requests that must begin again.

        Parameters
        ----------
        prompts
            What a prefill replica had; KV caches on their way from it are lost too. Those on
            their way to a decode replica are sent to another one.
        """
        whole = [self._under_way.pop(prompt.index).request for prompt in prompts]
        for handover in list(self._under_way.values()):
            if handover.prompt is None and handover.source is replica:
                handover.sending += 1
                whole.append(self._under_way.pop(handover.request.index).request)
                if handover.target is not None and self._router.listens:
                    self._router.ended(handover.target, handover.request)
            elif handover.target is replica:
                self._send(handover)
        for request in whole:
            request.start_over()
        return whole

    def join(self, replica: Replica) -> None:
        """A decode replica has come into service."""
        self._router.join(replica)
        for handover in list(self._under_way.values()):
            if handover.prompt is None and handover.target is None:
                self._send(handover)

    def leave(self, replica: Replica) -> None:
        """A decode replica takes no more requests."""
        self._router.leave(replica)


def _hand_over(prompt: Request, request: Request) -> None:
    """What the prefill pool did becomes part of the whole request."""
    first = prompt.first_token_ns
    request.remote_tokens = prompt.prompt_tokens
    request.outputs += prompt.outputs
    for stage in ("first_scheduled_ns", "cached_tokens"):
        if getattr(request, stage) == NEVER:
            setattr(request, stage, getattr(prompt, stage))
    if request.first_token_ns == NEVER:
        request.first_token_ns = first
    if request.first_answer_ns == NEVER and request.outputs > request.thinking_tokens:
        request.first_answer_ns = first
