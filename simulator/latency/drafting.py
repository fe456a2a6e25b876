"""What drafting costs: the passes of a draft between two verifications, priced on the hardware.

A speculative step is a step of the model with several tokens per decode (its pricer knows that from
``decode_tokens``) and the passes that made the drafts. How many drafts there were follows from the
aggregates, so a step whose batch drafted nothing costs nothing more. Drafts are charged to the step that
verifies them. Prompts pass through the draft too, in the step that computes them.

Left out: work of the host between passes, for engines capture them in graphs or launch ahead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from simulator.latency.pricer import DecodeLine, Step, StepColumns, StepCosts, StepPricer, passage_of


class Passes(Protocol):
    """Which passes of a draft a step takes."""

    def __call__(self, step: Step) -> list[tuple[int, Step]]:
        """How often which pass is made."""
        ...


def one_by_one(step: Step) -> list[tuple[int, Step]]:
    """A draft that reads what the model read and then goes on token by token (draft model, EAGLE, MTP)."""
    drafts = step.drafts
    if not drafts:
        return [(1, step)] if step.prefill_tokens else []
    single = Step.of_decodes(step.decode_sequences, step.decode_context)
    return [(1, step), (drafts - 1, single)] if drafts > 1 else [(1, step)]


def all_at_once(step: Step) -> list[tuple[int, Step]]:
    """A draft that makes all tokens in the pass that reads what the model read."""
    return [(1, step)] if step.drafts or step.prefill_tokens else []


def heads_at_once(step: Step) -> list[tuple[int, Step]]:
    """One head per position on the last features of each sequence; prompts need none."""
    if not step.drafts:
        return []
    return [(1, Step.of_decodes(step.decode_sequences, step.decode_sequences))]


def texts_searched(step: Step) -> list[tuple[int, Step]]:
    """The text of each sequence is searched once."""
    if not step.drafts:
        return []
    return [(1, Step.of_decodes(step.decode_sequences, step.decode_context))]


@dataclass(frozen=True, slots=True)
class WindowedPasses:
    """The model itself drafts, token by token, with the last ``window`` tokens of the cache."""

    window: int

    def __call__(self, step: Step) -> list[tuple[int, Step]]:
        drafts, sequences = step.drafts, step.decode_sequences
        if not drafts:
            return []
        context = min(step.decode_context, sequences * self.window)
        return [(drafts, Step.of_decodes(sequences, context))]


@dataclass(frozen=True, slots=True)
class Draft:
    """What drafts: the pricer of its passes, which passes it makes, and what a verification waits besides.

    ``idle_w`` is the draw of devices of its own [W]: 0 where it has none, None where unknown.
    """

    pricer: StepPricer
    passes: Passes
    round_trip_ns: int = 0
    idle_w: float | None = 0.0

    def cycle_ns(self, step: Step) -> int:
        """Time of all passes for one step [ns]."""
        time = self.round_trip_ns if step.drafts else 0
        for count, aggregates in self.passes(step):
            time += count * self.pricer.step_ns(*aggregates)
        return time


class DraftedPricer:
    """A `StepPricer` for a model whose tokens are drafted."""

    def __init__(self, model: StepPricer, draft: Draft) -> None:
        self._model, self._draft = model, draft
        self.idle_w = None
        if model.idle_w is not None and draft.idle_w is not None:
            self.idle_w = model.idle_w + draft.idle_w
        #: See `latency.pricer.passage_of`.
        self.through_ns = passage_of(model)

    def decode_line(self, sequences: int, context: int) -> DecodeLine:
        """See `StepPricer`; one token per decode means that nothing was drafted."""
        return self._model.decode_line(sequences, context)

    def step_ns(self, *step: int) -> int:
        """See `StepPricer`."""
        return self._model.step_ns(*step) + self._draft.cycle_ns(Step(*step))

    def costs(self, steps: StepColumns) -> StepCosts:
        """See `StepPricer`: the model's own costs, and those of the passes, which count as decoding."""
        rows = steps.steps()
        drafting_ns = np.array([self._draft.cycle_ns(row) for row in rows], dtype=np.int64)
        own = self._model.costs(replace(steps, duration_ns=np.maximum(steps.duration_ns - drafting_ns, 1)))
        passes = [
            (at, count, aggregates)
            for at, row in enumerate(rows)
            for count, aggregates in self._draft.passes(row)
        ]
        if not passes:
            return own
        position, count, aggregates = zip(*passes, strict=True)
        columns = np.array(aggregates, dtype=np.int64).T
        times = np.array([self._draft.pricer.step_ns(*one) for one in aggregates], dtype=np.int64)
        costs = self._draft.pricer.costs(StepColumns(times, *columns))
        spent = np.bincount(
            position, np.array(count) * (costs.prefill_j + costs.decode_j), minlength=len(rows)
        )
        return replace(own, decode_j=own.decode_j + spent)
