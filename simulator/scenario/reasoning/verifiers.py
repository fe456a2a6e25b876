"""Who judges candidates: a reward model that reads them, or a model that writes a judgement."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from simulator.scenario.spec import Count, CountOrZero, Spec

#: How far the scores of right answers lie above those of wrong ones, in standard deviations of the scores.
Signal = Annotated[float, Field(ge=0.0, le=100.0)]


class DiscriminativeSpec(Spec):
    """A reward model: it reads the candidate and gives a score (a prefill and one token)."""

    kind: Literal["discriminative"]
    d_prime: Signal = 1.5
    """Signal over noise of the scores; 0 guesses, 100 is a perfect check such as a test suite."""
    prompt_tokens: CountOrZero = 0
    """Instructions read besides the candidate [tokens]."""
    model: str | None = None
    """Which of the cluster's models judges; default: the one that answers."""


class GenerativeSpec(Spec):
    """A model that argues before it judges (a prefill and some output)."""

    kind: Literal["generative"]
    d_prime: Signal = 1.5
    """Signal over noise of the scores; 0 guesses, 100 is a perfect check such as a test suite."""
    prompt_tokens: CountOrZero = 200
    """Instructions read besides the candidate [tokens]."""
    output_tokens: Count = 500
    """Length of the judgement [tokens]."""
    model: str | None = None
    """Which of the cluster's models judges; default: the one that answers."""


VerifierSpec = Annotated[DiscriminativeSpec | GenerativeSpec, Field(discriminator="kind")]
