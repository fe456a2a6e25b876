"""The contract between the engine and whatever prices a step.

A backend is compiled once per (model, device, parallelism, precision) into an object
that prices a step from aggregates. The engine never knows which backend it has.

Words used for the aggregates of one step, all sums over its entries, with ``n`` the
tokens scheduled for an entry and ``s`` its tokens already in the KV cache:

=====================  =====================================================
prefill_tokens         sum of n over prefill entries
prefill_sequences      number of prefill entries
prefill_context        sum of (s + n) over prefill entries
prefill_products       sum of n * (s + n) over prefill entries
decode_sequences       number of decode entries
decode_tokens          sum of n over decode entries (more than one each with
                       speculation)
decode_context         sum of (s + n) over decode entries
=====================  =====================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: What bounds a step, as stored in ``StepCosts.bound``.
BOUNDS = ("compute", "memory", "network", "host", "pipeline", "overhead")


class DecodeLine(NamedTuple):
    """Duration of decode-only steps with one batch over a range of context, in whole nanoseconds.

    With ``n`` sequences a step lasts ``start_ns + growth_ns * (decode_context - context_start) // n`` for
    every decode_context from ``context_start`` up to and including ``context_end``.

    From one step to the next the context grows by ``n`` tokens, so the durations of a run are whole numbers
    at equal distances, ``growth_ns``: they are written down without computing each, and are what single
    steps give, which is what makes jumps exact.
    """

    start_ns: int
    growth_ns: int
    context_start: int
    context_end: int

    def step_ns(self, sequences: int, context: int) -> int:
        """Duration of the step with so many sequences (those of the line) and so much context [ns]."""
        return self.start_ns + self.growth_ns * (context - self.context_start) // sequences


class Step(NamedTuple):
    """The aggregates of one step, in the order in which a pricer takes them."""

    prefill_tokens: int
    prefill_sequences: int
    prefill_context: int
    prefill_products: int
    decode_sequences: int
    decode_tokens: int
    decode_context: int

    @classmethod
    def of_prompts(cls, sequences: int, tokens: int) -> Step:
        """So many whole prompts of so many tokens each."""
        return cls(sequences * tokens, sequences, sequences * tokens, sequences * tokens * tokens, 0, 0, 0)

    @classmethod
    def of_decodes(cls, sequences: int, context: int) -> Step:
        """One token of each of so many sequences, with so many tokens of context in all."""
        return cls(0, 0, 0, 0, sequences, sequences, context)

    @classmethod
    def of_verifications(cls, sequences: int, drafts: int, context: int) -> Step:
        """So many drafts of each of so many sequences, and the token that each gains anyway.

        ``context`` is what all of them had before, in all [tokens]; these tokens come to it.
        """
        tokens = sequences * (drafts + 1)
        return cls(0, 0, 0, 0, sequences, tokens, context + tokens)

    @property
    def drafts(self) -> int:
        """Drafts that the step verifies for each of its decodes, the most there are."""
        if not self.decode_sequences:
            return 0
        return -(-self.decode_tokens // self.decode_sequences) - 1


@dataclass(frozen=True, slots=True)
class StepColumns:
    """Aggregates and durations of many steps, one array element each, shape (n,)."""

    duration_ns: Ints
    prefill_tokens: Ints
    prefill_sequences: Ints
    prefill_context: Ints
    prefill_products: Ints
    decode_sequences: Ints
    decode_tokens: Ints
    decode_context: Ints

    def steps(self) -> list[Step]:
        """The aggregates of every step."""
        columns = (getattr(self, name).tolist() for name in Step._fields)
        return [Step(*row) for row in zip(*columns, strict=True)]


@dataclass(frozen=True, slots=True)
class StepCosts:
    """What a backend says about many steps besides their duration, shape (n,) each.

    Attributes
    ----------
    prefill_j, decode_j
        Dynamic energy above idle [J] of all devices of the replica, split by phase. NaN
        where the backend knows no power model.
    bound
        Index into ``BOUNDS``, int8.
    """

    prefill_j: Floats
    decode_j: Floats
    bound: NDArray[np.int8]


class StepPricer(Protocol):
    """Prices engine steps of one replica.

    Attributes
    ----------
    idle_w
        Draw of the replica's devices with weights loaded and no work [W]; None where
        unknown, and then every energy figure of the result is unknown.
    """

    idle_w: float | None

    def decode_line(self, sequences: int, context: int) -> DecodeLine:
        """Duration of decode-only steps with ``sequences`` entries of one token each.

        There is at least one. ``context`` [tokens] is the decode_context of the first step, which the line
        covers. Called once per run of steps: keep it to a dictionary look-up.
        """
        ...

    def step_ns(
        self,
        prefill_tokens: int,
        prefill_sequences: int,
        prefill_context: int,
        prefill_products: int,
        decode_sequences: int,
        decode_tokens: int,
        decode_context: int,
        /,
    ) -> int:
        """Duration of any step [ns]. For a decode-only step it equals ``decode_line``'s.

        Seven numbers and not a `Step`: making one for every step takes a third of the time that pricing
        the step takes (``benchmarks --only latency.pricing``). Where a step is at hand, it is unpacked.
        """
        ...

    def costs(self, steps: StepColumns) -> StepCosts:
        """Energy and bottleneck of many recorded steps, vectorised."""
        ...


class Passage(Protocol):
    """How long prompts take from the beginning of their step until they are through [ns].

    A step of a pipeline is as long as it keeps a stage busy; a prompt passes all stages, one after the other.
    0 where they are through when the step ends.
    """

    def __call__(
        self, prefill_tokens: int, prefill_sequences: int, prefill_context: int, prefill_products: int, /
    ) -> int:
        """Of the prompts in a step."""
        ...


def passage_of(pricer: StepPricer) -> Passage | None:
    """What a pricer says of prompts that may be on their way for longer than their step.

    A pricer that has such has an attribute ``through_ns``, which may be None; others need none.
    """
    passage: Passage | None = getattr(pricer, "through_ns", None)
    return passage


def shares_context(pricer: StepPricer) -> bool:
    """Whether decode_context shall hold the context that several requests share once.

    A processor reads the blocks of a shared prefix from its caches after the first time, so their time
    counts once; accelerators read them for every sequence. A pricer that wants this has an attribute
    ``shares_context`` that is true; others need none.
    """
    return bool(getattr(pricer, "shares_context", False))
