"""What a scheduler decided for one step, and what it counted."""

from __future__ import annotations

from typing import NamedTuple

from simulator.engine.request import Request
from simulator.latency.pricer import Step


class Entry(NamedTuple):
    """One request in a step: ``scheduled`` tokens after ``start`` that it had before."""

    request: Request
    scheduled: int
    start: int
    decode: bool
    drafts: int


class StepPlan:
    """The batch of one step, in the order in which vLLM emits it, and its sums.

    ``admitted`` holds (request, prefix hit in tokens, was it preempted before). ``passage_ns`` is how long
    its prompts are still on their way when it has ended, ``in_vain`` the number of its decodes whose token
    nobody gets, ``row`` what is logged of it.
    """

    __slots__ = (
        "admitted",
        "decode_context",
        "decode_sequences",
        "decode_tokens",
        "end_ns",
        "entries",
        "in_vain",
        "passage_ns",
        "preempted",
        "prefill_context",
        "prefill_products",
        "prefill_sequences",
        "prefill_tokens",
        "row",
        "sampling",
        "start_ns",
    )

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.sampling: list[bool] = []
        self.admitted: list[tuple[Request, int, bool]] = []
        self.preempted: list[Request] = []
        self.prefill_tokens = self.prefill_sequences = self.prefill_context = self.prefill_products = 0
        self.decode_tokens = self.decode_sequences = self.decode_context = 0
        self.start_ns = self.end_ns = self.passage_ns = self.in_vain = 0
        self.row: tuple[int, ...] | None = None

    @property
    def step(self) -> Step:
        """The sums, as a pricer takes them."""
        return Step(
            self.prefill_tokens,
            self.prefill_sequences,
            self.prefill_context,
            self.prefill_products,
            self.decode_sequences,
            self.decode_tokens,
            self.decode_context,
        )

    @property
    def tokens(self) -> int:
        """Tokens scheduled."""
        return self.prefill_tokens + self.decode_tokens

    def add_up(self) -> None:
        """Compute the sums from the entries."""
        for _, scheduled, start, decode, _ in self.entries:
            context = start + scheduled
            if decode:
                self.decode_sequences += 1
                self.decode_tokens += scheduled
                self.decode_context += context
            else:
                self.prefill_sequences += 1
                self.prefill_tokens += scheduled
                self.prefill_context += context
                self.prefill_products += scheduled * context


class PrefixStats:
    """Look-ups that led to an admission, as vLLM counts them [requests, tokens, tokens]."""

    __slots__ = ("hits", "preempted_hits", "preempted_queries", "preempted_requests", "queries", "requests")

    def __init__(self) -> None:
        self.begin_to_count()

    def begin_to_count(self) -> None:
        """What has been counted so far is left out."""
        self.requests = self.queries = self.hits = 0
        self.preempted_requests = self.preempted_queries = self.preempted_hits = 0

    def record(self, request: Request, hit_tokens: int) -> None:
        """Count one admission."""
        if request.preemptions:
            self.preempted_requests += 1
            self.preempted_queries += request.known_tokens
            self.preempted_hits += hit_tokens
        else:
            self.requests += 1
            self.queries += request.known_tokens
            self.hits += hit_tokens

    def values(self) -> list[int]:
        """In the order of vLLM's statistics."""
        return [
            self.requests,
            self.queries,
            self.hits,
            self.preempted_requests,
            self.preempted_queries,
            self.preempted_hits,
        ]
