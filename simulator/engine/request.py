"""One request as a replica holds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from simulator.engine.content import Content

if TYPE_CHECKING:
    from simulator.engine.kv_cache import Copy, Node

#: Life of a request inside one replica.
WAITING, RUNNING, PREEMPTED, FINISHED = range(4)

NEVER = -1
#: Finish reasons of requests with their whole output.
WHOLE = ("stop", "length")


class Place(Protocol):
    """Where a request is between the gateway and its end: in a replica, on a link, in a line."""

    def abort(self, request: Request) -> None:
        """Have the request dropped; it ends with the reason ``abort``, now or soon."""


class Request:
    """A request: what it asks for, where it stands, what happened to it when.

    The first group is input. ``content`` holds the pieces of the prompt followed by the
    request's own output; None where the prompt shares nothing and caching it cannot pay.
    Where ``max_tokens`` exceeds ``output_tokens`` the output ends on a stop token that the
    scheduler cannot foresee (``stops``).

    Counts follow vLLM: ``computed`` tokens have (or will have, once the scheduled steps ran)
    their KV entries; ``outputs`` were delivered; ``placeholders`` are output tokens still in
    flight (asynchronous scheduling).

    The aggregate engine does not touch a decoding request until something happens to it:
    in step ``s`` its context is ``base + s``. The list-walking engine keeps ``computed``.

    ``remote_tokens`` have their KV entries from another replica. A request that ``keeps_blocks`` holds its
    blocks when it has ended, until the replica is told to free them. While a replica goes on with what
    another one began, ``first_token_ns`` is the first token of its own, and ``begun_ns`` that of the other.

    Its tokens come out ``passage_ns`` after the steps that compute them have ended: that long its prompt was
    still on its way through the stages of a pipeline.

    ``place`` is whoever has the request now; ``attempts`` how often its client has sent it.
    """

    __slots__ = (
        "accepted_drafts",
        "answer_step",
        "arrival_ns",
        "attempts",
        "base",
        "begun_ns",
        "blocks",
        "cached_tokens",
        "computed",
        "content",
        "done_step",
        "drafts",
        "enqueued_ns",
        "finish_ns",
        "finish_reason",
        "first_answer_ns",
        "first_scheduled_ns",
        "first_token_ns",
        "growing_at",
        "hashed",
        "held",
        "in_flight",
        "index",
        "is_prefill_chunk",
        "keeps_blocks",
        "leave_step",
        "max_tokens",
        "name",
        "on_end",
        "order",
        "output_tokens",
        "outputs",
        "passage_ns",
        "place",
        "placeholders",
        "pool",
        "predicted_tokens",
        "preemptions",
        "priority",
        "prompt_tokens",
        "remote_tokens",
        "replica",
        "stale",
        "status",
        "stops",
        "tenant",
        "think_ns",
        "thinking_tokens",
        "verifications",
    )

    def __init__(
        self,
        index: int,
        arrival_ns: int,
        prompt_tokens: int,
        output_tokens: int,
        *,
        name: str = "",
        content: Content | None = None,
        max_tokens: int | None = None,
        priority: int = 0,
        thinking_tokens: int = 0,
        accepted_drafts: tuple[int, ...] = (),
        on_end: Callable[[Request], None] | None = None,
    ) -> None:
        self.index = index
        self.name = name
        self.arrival_ns = arrival_ns
        self.prompt_tokens = prompt_tokens
        self.output_tokens = output_tokens
        self.content = content
        self.max_tokens = output_tokens if max_tokens is None else max_tokens
        self.stops = self.max_tokens > output_tokens
        self.priority = priority
        self.thinking_tokens = thinking_tokens
        self.accepted_drafts = accepted_drafts
        self.on_end = on_end
        self.remote_tokens = 0
        self.keeps_blocks = False
        self.think_ns = 0
        self.predicted_tokens: float = output_tokens

        self.status = WAITING
        self.computed = 0
        self.outputs = 0
        self.placeholders = 0
        self.in_flight = 0
        self.stale = 0
        self.drafts = 0
        self.is_prefill_chunk = False
        self.verifications = 0
        self.preemptions = 0

        self.blocks = 0  # KV blocks held
        self.hashed = 0  # the first of them, which are in the prefix cache
        self.held: list[Copy] = []
        self.growing_at: Node | None = None

        self.base = 0
        self.done_step = NEVER
        self.leave_step = NEVER
        self.answer_step = NEVER
        self.order = 0
        self.passage_ns = 0

        self.tenant = 0
        self.attempts = 1
        self.place: Place | None = None
        self.pool = NEVER
        self.replica = NEVER
        self.enqueued_ns = NEVER
        self.first_scheduled_ns = NEVER
        self.begun_ns = NEVER
        self.first_token_ns = NEVER
        self.first_answer_ns = NEVER
        self.finish_ns = NEVER
        self.cached_tokens = NEVER
        self.finish_reason = ""

    def try_again(self) -> None:
        """Its client sends it once more, from nothing."""
        self.outputs = self.verifications = 0
        self.start_over()
        self.finish_ns = self.first_scheduled_ns = self.cached_tokens = NEVER
        self.pool = self.replica = NEVER
        self.finish_reason = ""
        self.attempts += 1

    def start_over(self) -> None:
        """A replica lost it: what it had computed is gone; the client keeps the tokens it has."""
        self.status = WAITING
        self.computed = self.placeholders = self.in_flight = self.stale = self.drafts = 0
        self.is_prefill_chunk = False
        self.blocks = self.hashed = 0
        self.held = []
        self.growing_at = None
        self.base = self.order = self.remote_tokens = self.passage_ns = 0
        self.done_step = self.leave_step = self.answer_step = NEVER
        self.enqueued_ns = NEVER
        self.place = None
        if not self.outputs:
            self.first_token_ns = self.first_answer_ns = NEVER

    @property
    def known_tokens(self) -> int:
        """Prompt and delivered output [tokens]."""
        return self.prompt_tokens + self.outputs

    def urgency(self) -> tuple[int, int, str]:
        """Order of the priority policy: priority, arrival, then the id as a string."""
        return (self.priority, self.arrival_ns, self.name)
