"""Disaggregated serving: one replica computes the prompt, another one the output.

A prefill replica runs the request for one output token, the request's first. Then a decode replica is
chosen and sets aside the blocks for the prompt; where none has room, the request waits in line. The KV
cache travels (`engine.transfers`), and the decode replica goes on from there without computing the prompt
again. The prefill replica holds its blocks until the transfer is done, so decode replicas that are full
hold up the prefill replicas too. What the client sees is one request: its first token comes from the
prefill pool, the rest from the decode pool.

As in vLLM with a KV connector, but for two things: there blocks are set aside when the decode engine
composes its next step, and what it has in its own prefix cache need not travel.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from copy import copy
from math import inf

from simulator.engine.chunks import Chunk
from simulator.engine.losses import Losses
from simulator.engine.pool import Pool
from simulator.engine.replica import Replica
from simulator.engine.request import NEVER, Request
from simulator.engine.routing.router import Router
from simulator.engine.timing import NsEnvironment
from simulator.engine.transfers import Shipment, Transfers
from simulator.results.wait_log import DECODE_ROOM, LINK, WaitLog


class Handover:
    """A request on its way through a prefill replica, a line, links and a decode replica.

    Attributes
    ----------
    prompt
        What the prefill replica has of it; ended or not.
    source
        The prefill replica.
    layers
        Over which its KV cache can leave while it is computed; 0: there was nobody to send it to then.
    chunks
        In which it was computed, where that matters.
    target
        The decode replica; None before there is one.
    shipment
        Its KV cache on the way to it; None before and afterwards.
    waits_since, sent_ns
        When it lined up for a decode replica with room, and when its KV cache was sent [ns]; ``NEVER``
        before.
    paused_ns, resumed_ns
        Last token of the prefill replica, first of the decode replica [ns]; ``NEVER`` before.
    """

    __slots__ = (
        "_first_answer_ns",
        "_resumed_ns",
        "chunks",
        "layers",
        "parent",
        "prompt",
        "request",
        "sent_ns",
        "shipment",
        "source",
        "target",
        "waits_since",
    )

    def __init__(
        self, parent: Disaggregation, request: Request, source: Replica, prompt: Request, layers: int
    ) -> None:
        self.parent = parent
        self.request = request
        self.source = source
        self.prompt = prompt
        self.layers = layers
        self.chunks: list[Chunk] = []
        self.target: Replica | None = None
        self.shipment: Shipment | None = None
        self.waits_since = self.sent_ns = NEVER
        self._first_answer_ns = self._resumed_ns = NEVER

    @property
    def replica(self) -> int:
        """Number of the decode replica."""
        assert self.target is not None
        return self.target.number

    @property
    def paused_ns(self) -> int:
        return self.prompt.first_token_ns

    @property
    def resumed_ns(self) -> int:
        return self._resumed_ns if self.request.begun_ns == NEVER else self.request.first_token_ns

    def begin_output(self) -> None:
        """The decode replica has the request: what it notes as the first token is its own first."""
        request = self.request
        request.begun_ns, request.first_token_ns = request.first_token_ns, NEVER
        self._first_answer_ns = request.first_answer_ns

    def end_output(self) -> int:
        """It has not any more: the first token is the client's first again; returns ``resumed_ns``."""
        request = self.request
        self._resumed_ns = resumed_ns = request.first_token_ns
        request.first_token_ns, request.begun_ns = request.begun_ns, NEVER
        if self._first_answer_ns != NEVER:
            request.first_answer_ns = self._first_answer_ns
        return resumed_ns

    @property
    def is_computed(self) -> bool:
        """Whether the prompt is done."""
        return self.prompt.finish_ns != NEVER

    def abort(self, request: Request) -> None:
        """The client has given up: the prompt is dropped, or what follows does not happen."""
        if self.is_computed:
            self.parent.give_up(self)
        else:
            assert self.prompt.place is not None
            self.prompt.place.abort(self.prompt)


class Disaggregation:
    """Takes each request through a prefill replica, links and a decode replica.

    Parameters
    ----------
    pools
        All pools of the cluster, so that a request's pool number finds its pool.
    mine
        The prefill and decode pools that are meant.
    router
        Chooses among the replicas of the decode pools.
    transfers
        Carries the KV caches.
    done
        Called with every request that has ended in a replica.
    end
        Ends a request between two replicas, for a reason.
    losses
        Outputs that lost their replica.
    log
        Is told who waited for room or for links, and how long.

    Attributes
    ----------
    left_prefill
        Called where a prompt has left its prefill replica; set by the service.
    waits, waited_ns
        Requests that waited for room on the decode side, and how long in all [ns].
    """

    def __init__(
        self,
        env: NsEnvironment,
        pools: Sequence[Pool],
        mine: Sequence[Pool],
        router: Router,
        transfers: Transfers,
        done: Callable[[Request], None],
        end: Callable[[Request, str], None],
        losses: Losses,
        log: WaitLog,
    ) -> None:
        self.env = env
        self._log = log
        self._pools = pools
        self._router = router
        self._transfers = transfers
        self._done = done
        self._end = end
        self._losses = losses
        self.left_prefill: Callable[[Replica, Request], None]
        for pool in mine:
            if pool.plan.role == "prefill":
                pool.ended = self._prompt_ended
            elif pool.plan.role == "decode":
                pool.ended = self._output_ended
                pool.on_room = self._serve_line
        self._under_way: dict[int, Handover] = {}  # by the request's index, until its output begins
        self._outputs: dict[int, Handover] = {}  # those that decode replicas have, by the request's index
        self._line: deque[Handover] = deque()
        self._prompt_preemptions: dict[int, int] = {}
        self.waits = 0
        self.waited_ns = 0

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
        prompt.keeps_blocks = True
        handover = Handover(self, request, replica, prompt, self._pools[replica.pool].plan.layers)
        request.place = handover
        self._under_way[request.index] = handover
        self._pools[replica.pool].send(prompt, replica)

    def _prompt_ended(self, prompt: Request) -> None:
        handover = self._under_way[prompt.index]
        handover.chunks = self._taken_chunks(prompt, handover.source)
        self.left_prefill(handover.source, prompt)
        request = handover.request
        _hand_over(prompt, request)
        request.pool, request.replica = prompt.pool, prompt.replica
        aborted = prompt.finish_reason == "abort"
        if not aborted:
            self._losses.went_on(request, self._pools[prompt.pool], prompt.first_token_ns)
        if aborted or request.outputs == request.output_tokens:
            del self._under_way[request.index]
            whole = "stop" if request.stops else "length"
            request.finish_reason = "abort" if aborted else whole
            request.finish_ns = prompt.finish_ns
            request.preemptions += prompt.preemptions
            if not aborted:
                self._free_source(handover)
            self._done(request)
            return
        if prompt.preemptions:
            self._prompt_preemptions[request.index] = prompt.preemptions
        self._place(handover)

    def _place(self, handover: Handover) -> None:
        """To a decode replica with room, or into the line."""
        target = None if self._line else self._with_room(handover.request)
        if target is None:
            self._wait(handover)
        else:
            self._ship(handover, target)

    def _with_room(self, request: Request) -> Replica | None:
        """The router's choice if that has room, else any that has."""
        if not self._router.replicas:
            return None
        chosen = self._router.choose(request)
        if chosen.reserve(request):
            return chosen
        return next((other for other in self._router.replicas if other.reserve(request)), None)

    def _wait(self, handover: Handover) -> None:
        handover.layers = 0
        if handover.waits_since == NEVER:
            handover.waits_since = self.env.now
            self.waits += 1
        self._line.append(handover)

    def _ship(self, handover: Handover, target: Replica) -> None:
        request, source = handover.request, handover.source
        if self._router.listens:
            self._router.sent(target, request)
        if handover.waits_since != NEVER:
            self._leave_line(handover)
        handover.target = target
        handover.sent_ns = self.env.now
        handover.shipment = Shipment(
            source,
            target,
            self._pools[source.pool].plan.kv_bytes_per_token * request.remote_tokens,
            handover.layers,
            handover.chunks,
            lambda: self._arrived(handover),
            lambda: self._failed(handover),
        )
        self._transfers.send(handover.shipment)

    def _arrived(self, handover: Handover) -> None:
        request = handover.request
        target = handover.target
        assert target is not None
        handover.shipment = None  # which leads back to the handover
        self._note(handover, LINK, handover.sent_ns)
        del self._under_way[request.index]
        self._free_source(handover)
        pool = self._pools[target.pool]
        self._outputs[request.index] = handover
        handover.begin_output()
        pool.log.resume(handover)
        pool.send(request, target)

    def _output_ended(self, request: Request) -> None:
        replica = self._pools[request.pool].replicas[request.replica]
        self._leave_output(self._outputs.pop(request.index))
        if self._router.listens:
            self._router.ended(replica, request)
        request.preemptions += self._prompt_preemptions.pop(request.index, 0)
        self._done(request)
        if self._line:
            self._serve_line(replica)

    def _leave_output(self, handover: Handover) -> None:
        resumed_ns = handover.end_output()
        if resumed_ns == NEVER or resumed_ns > self.env.now:
            assert handover.target is not None
            self._pools[handover.target.pool].log.forget(handover)

    def _serve_line(self, replica: Replica) -> None:
        """A decode replica may have room now: for the first in line, and those behind."""
        if replica not in self._pools[replica.pool].serving:
            return
        while self._line and replica.reserve(self._line[0].request):
            self._ship(self._line.popleft(), replica)

    def _serve_line_anywhere(self) -> None:
        """Whoever needs fewer blocks than the one before it in line may have room already."""
        for replica in list(self._router.replicas):
            if not self._line:
                return
            self._serve_line(replica)

    def _taken_chunks(self, prompt: Request, source: Replica) -> list[Chunk]:
        chunks = self._pools[source.pool].chunks
        return [] if chunks is None else chunks.take(prompt)

    def _take_out(self, handover: Handover) -> None:
        self._line.remove(handover)
        self._leave_line(handover)

    def _leave_line(self, handover: Handover) -> None:
        """It waits for room no more, be it that there is some or that nobody wants it."""
        self.waited_ns += self.env.now - handover.waits_since
        self._note(handover, DECODE_ROOM, handover.waits_since)
        handover.waits_since = NEVER

    def _note(self, handover: Handover, cause: int, since_ns: int) -> None:
        """What it has waited for is over."""
        source = handover.source
        self._log.add(handover.request.index, cause, since_ns, self.env.now, source.pool, source.number)

    def _free_source(self, handover: Handover) -> None:
        source = handover.source
        self._pools[source.pool].free(handover.prompt, source)

    # -- what can go wrong -----------------------------------------------------------------------

    def give_up(self, handover: Handover) -> None:
        """The client of a request whose prompt is done has given up before its output began."""
        self._drop(handover, "abort")

    def _failed(self, handover: Handover) -> None:
        """Its KV cache did not get through, however often it was sent."""
        self._drop(handover, "failed")

    def _drop(self, handover: Handover, reason: str) -> None:
        request = handover.request
        del self._under_way[request.index]
        self._free_source(handover)
        self._recall(handover)
        request.preemptions += self._prompt_preemptions.pop(request.index, 0)
        self._end(request, reason)

    def _recall(self, handover: Handover) -> None:
        """Out of the line, or off the links and out of the blocks that were set aside."""
        shipment, request = handover.shipment, handover.request
        if shipment is None:
            if handover in self._line:
                held_up_others = handover is self._line[0]
                self._take_out(handover)
                if held_up_others:
                    self._serve_line_anywhere()
            return
        handover.shipment = None
        self._note(handover, LINK, handover.sent_ns)
        self._transfers.cancel(shipment)
        target = shipment.target
        if self._router.listens:
            self._router.ended(target, request)
        reserved = copy(request)  # freed when the step ends; the request may have begun anew by then
        request.blocks = 0
        self._pools[target.pool].free(reserved, target)

    def lost_with(self, replica: Replica, prompts: Sequence[Request]) -> list[Request]:
        """A replica is gone: whole requests that must begin again.

        Parameters
        ----------
        prompts
            What a prefill replica had; KV caches on their way from it are lost too. Those on
            their way to a decode replica are sent to another one.
        """
        for handover in list(self._outputs.values()):
            if handover.target is replica:
                self._leave_output(self._outputs.pop(handover.request.index))
                has_gone_on = NEVER < handover.resumed_ns <= self.env.now
                self._losses.lost(handover.request, self.env.now if has_gone_on else handover.paused_ns)
        for prompt in prompts:
            self._taken_chunks(prompt, replica)
        whole = [self._under_way.pop(prompt.index).request for prompt in prompts]
        for handover in [one for one in self._line if one.source is replica]:
            self._take_out(handover)  # all of them before the line is served: nothing is sent from there
        for handover in list(self._under_way.values()):
            shipment = handover.shipment
            if handover.source is replica and handover.is_computed:
                self._recall(handover)
                self._losses.lost(handover.request, handover.paused_ns)
                whole.append(self._under_way.pop(handover.request.index).request)
            elif shipment is not None and shipment.target is replica:
                self._transfers.cancel(shipment)
                handover.shipment = None
                self._note(handover, LINK, handover.sent_ns)
                handover.layers = 0  # what left while it was computed went to the one that is gone
                handover.request.blocks = 0
                self._place(handover)
        for request in whole:
            request.start_over()
        self._serve_line_anywhere()
        return whole

    def join(self, replica: Replica) -> None:
        """A decode replica has come into service."""
        self._router.join(replica)
        self._serve_line(replica)

    def begin_to_count(self) -> None:
        """Who waited for room before is left out; who does now counts with all of that time."""
        self.waits = len(self._line)
        self.waited_ns = 0

    def in_line(self) -> int:
        """Requests that wait for a decode replica with room."""
        return len(self._line)

    def give_up_line(self) -> int:
        """What waits for a decode replica has failed; returns how many."""
        waiting = list(self._line)
        for handover in waiting:
            self._drop(handover, "failed")
        return len(waiting)

    def change_link_pace(self, replica: Replica, factor: float) -> None:
        """The links out of a prefill replica are so many times slower; infinity: they are dead."""
        self._transfers.change_pace(replica, factor)
        if factor == inf:
            for handover in self._under_way.values():
                if handover.shipment is not None and handover.shipment.source is replica:
                    self._transfers.cut(handover.shipment)
            self._transfers.close(replica)

    def leave(self, replica: Replica) -> None:
        """A decode replica takes no more requests."""
        self._router.leave(replica)


def _hand_over(prompt: Request, request: Request) -> None:
    """What the prefill pool did becomes part of the whole request."""
    request.remote_tokens = prompt.prompt_tokens
    request.outputs += prompt.outputs
    if request.first_scheduled_ns == NEVER:
        request.first_scheduled_ns = prompt.first_scheduled_ns
        request.cached_tokens = prompt.cached_tokens
    if request.first_token_ns == NEVER:
        request.first_token_ns = prompt.first_token_ns
    if request.first_answer_ns == NEVER and request.outputs > request.thinking_tokens:
        request.first_answer_ns = prompt.first_token_ns
