"""The workload as a whole."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from simulator.scenario.spec import Count, Share, Spec
from simulator.scenario.workload.arrivals import ArrivalSpec, ReplaySpec, TraceFormat
from simulator.scenario.workload.gaps import GapsSpec
from simulator.scenario.workload.lengths import LengthSpec
from simulator.scenario.workload.populations import ServeGenSpec
from simulator.scenario.workload.quantities import Positive
from simulator.scenario.workload.thinking import ThinkingSpec

Correlation = Annotated[float, Field(gt=-1.0, lt=1.0)]


class RequestClassSpec(Spec):
    """One kind of request among several: a prompt template, an application."""

    share: Positive
    """How often this kind occurs (any scale)."""
    prompt_tokens: LengthSpec
    """Prompt length [tokens]."""
    output_tokens: LengthSpec
    """Output length [tokens]."""
    name: str | None = None
    """What the kind is, for the reader."""


class RowsSpec(Spec):
    """Lengths drawn row by row, with replacement, from a trace: prompt and output stay together."""

    file: str
    """The trace, plain or gzip; relative to the YAML file that names it."""
    format: TraceFormat = "auto"


class SharedPrefixSpec(Spec):
    """System prompts: a share of the requests starts with one of a few fixed texts.

    The prefix comes on top of ``prompt_tokens``. Requests choose among ``count`` texts, text k
    (from 1) in proportion to 1 / k ** ``skew``.
    """

    tokens: LengthSpec
    """Length of each text [tokens]; drawn once per text."""
    share: Share = 1.0
    """Share of requests (of sessions, where there are sessions) that start with one."""
    count: Annotated[Count, Field(le=1_000_000)] = 1
    """Number of different texts."""
    skew: Annotated[float, Field(ge=0.0, le=10.0)] = 0.0
    """Zipf exponent of their popularity; 0 is equal."""


class SessionSpec(Spec):
    """Conversations: a later prompt contains all earlier prompts and answers of its session.

    Arrivals start sessions, so their ``rate`` counts sessions. ``prompt_tokens`` is the
    user's message of the first turn and ``output_tokens`` every answer. Turn k + 1 is sent
    ``gap`` after turn k was *sent*: the gap covers answering, reading and typing, as it is
    measured between the arrivals of a trace. Times are planned: where the cluster falls so
    far behind that the answer is not there yet, the next turn comes all the same. (Sessions
    that wait for their answers are programs of the reasoning room.) No session is under way at
    time zero: the request rate climbs until sessions end as often as they start, so leave
    the first few session lengths to the warm-up.
    """

    turns: LengthSpec
    """Requests per session; must be bounded (``max``)."""
    gap: GapsSpec
    """Time between the sendings of consecutive turns."""
    added_tokens: LengthSpec | None = None
    """The user's message of a later turn [tokens]. Default: as ``prompt_tokens``."""
    max_context: Count | None = None
    """A session ends before the turn whose prompt and output would exceed this [tokens]."""
    keep_thinking: bool = False
    """Whether the thinking of earlier turns stays in the history (most services drop it)."""


class WorkloadSpec(Spec):
    """Requests over time.

    Lengths come from exactly one of: ``prompt_tokens`` with ``output_tokens``; ``classes``;
    ``rows``; or, with ``process: replay`` or ``servegen``, the data itself.
    """

    name: str | None = None
    description: str | None = None
    source: str | tuple[str, ...] | None = None
    """Where the figures come from."""
    licence: str | None = None
    date: str | None = None
    """When the load was observed."""
    notes: str | tuple[str, ...] | None = None

    arrivals: ArrivalSpec
    prompt_tokens: LengthSpec | None = None
    """Prompt length [tokens]."""
    output_tokens: LengthSpec | None = None
    """Output length [tokens], with the end token; after thinking, where ``thinking`` has its own length."""
    correlation: Correlation = 0.0
    """Correlation of prompt and output length (Gaussian copula: of their normal scores); within
    a class, and in sessions of each message and its answer."""
    classes: Annotated[tuple[RequestClassSpec, ...], Field(min_length=1)] | None = None
    """Kinds of requests, each with its own lengths."""
    rows: RowsSpec | None = None
    """Draw the lengths from the rows of a trace."""
    thinking: ThinkingSpec | None = None
    """Thinking before the answer."""
    shared_prefix: SharedPrefixSpec | None = None
    """System prompts."""
    sessions: SessionSpec | None = None
    """Conversations of several turns."""
    ignore_eos: bool | None = None
    """True: outputs run to their ``max_tokens``, as in a benchmark; false: they end on a stop
    token, as in a real service. Default: as a replayed measured run says, else false."""
    priority: int | None = None
    """Priority of all requests (smaller is more urgent, as in vLLM). Default: the trace's, else 0."""

    @property
    def waits_for_answers(self) -> bool:
        """Whether a request comes only after another has ended (a closed loop)."""
        arrivals = self.arrivals
        held = isinstance(arrivals, ReplaySpec) and arrivals.concurrency is not None
        return held or arrivals.process in ("closed_loop", "users")

    @model_validator(mode="after")
    def _lengths_from_one_place(self) -> Self:
        given = {
            "prompt_tokens and output_tokens": self.prompt_tokens or self.output_tokens,
            "classes": self.classes,
            "rows": self.rows,
        }
        sources = [name for name, value in given.items() if value]
        brings_lengths = isinstance(self.arrivals, ReplaySpec | ServeGenSpec)
        if len(sources) > 1 or (brings_lengths and sources and not sources[0].startswith("prompt")):
            raise ValueError(f"lengths come from one place only, found: {', '.join(sources)}")
        if isinstance(self.arrivals, ServeGenSpec) and sources:
            raise ValueError(
                "ServeGen's clients bring their own lengths: leave out prompt_tokens and output_tokens"
            )
        if brings_lengths:
            return self
        if not sources:
            raise ValueError("lengths are missing: give prompt_tokens and output_tokens, or classes, or rows")
        if sources[0].startswith("prompt") and (self.prompt_tokens is None or self.output_tokens is None):
            raise ValueError("prompt_tokens and output_tokens are both needed")
        return self

    @model_validator(mode="after")
    def _sessions_fit(self) -> Self:
        replay = isinstance(self.arrivals, ReplaySpec | ServeGenSpec)
        if replay and (self.thinking or self.shared_prefix or self.sessions):
            raise ValueError(
                "a replayed trace brings its own content: thinking, shared_prefix and sessions "
                "need generated arrivals"
            )
        if self.sessions is None:
            return self
        if self.waits_for_answers:
            raise ValueError("sessions need an open loop: turns are planned in time")
        if self.prompt_tokens is None:
            raise ValueError("sessions need prompt_tokens and output_tokens")
        return self
