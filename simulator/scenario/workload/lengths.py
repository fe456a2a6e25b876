"""Distributions of lengths in tokens.

All are distributions of whole tokens: a continuous one is rounded to the nearest token,
then clamped to [``min``, ``max``]. Clamping puts the mass beyond a limit on the limit,
which is what a context limit does in real traces. Without ``max`` the limit is ``LONGEST``.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from simulator.errors import nearest
from simulator.scenario.spec import Count, Spec
from simulator.scenario.workload.quantities import Positive

#: No length is longer than this [tokens]; no model in sight has such a context.
LONGEST = 4_194_304

Tokens = Annotated[Count, Field(le=LONGEST)]
#: A difficulty as means are told by, a name or a size.
Difficulty = Annotated[str, BeforeValidator(str)]
Weights = tuple[Annotated[float, Field(ge=0.0, allow_inf_nan=False)], ...]


class BoundedSpec(Spec):
    """What all length distributions share."""

    min: Tokens = 1
    """Shortest length [tokens]; shorter draws become this."""
    max: Tokens | None = None
    """Longest length [tokens]; longer draws become this. Default: no limit."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max is not None and self.max < self.min:
            raise ValueError(f"max ({self.max}) is below min ({self.min})")
        return self


class FixedSpec(BoundedSpec):
    """Always the same length."""

    distribution: Literal["fixed"]
    tokens: Tokens
    """The length [tokens]."""


class UniformSpec(BoundedSpec):
    """Every whole number from ``low`` to ``high`` equally often."""

    distribution: Literal["uniform"]
    low: Tokens
    """Shortest [tokens]."""
    high: Tokens
    """Longest [tokens]."""

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.high < self.low:
            raise ValueError(f"high ({self.high}) is below low ({self.low})")
        return self


class NormalSpec(BoundedSpec):
    """Normal distribution."""

    distribution: Literal["normal"]
    mean: float
    """[tokens]"""
    sd: Positive
    """Standard deviation [tokens]."""


class LognormalSpec(BoundedSpec):
    """The logarithm of the length is normal.

    Centre: one of ``mu`` (mean of ln tokens), ``median`` [tokens], ``mean`` [tokens].
    Spread: one of ``sigma`` (standard deviation of ln tokens), ``sd`` [tokens; with ``mean``].
    """

    distribution: Literal["lognormal"]
    mu: float | None = None
    """Mean of ln(tokens)."""
    median: Positive | None = None
    """[tokens]"""
    mean: Positive | None = None
    """[tokens]"""
    sigma: Positive | None = None
    """Standard deviation of ln(tokens)."""
    sd: Positive | None = None
    """Standard deviation [tokens]; needs ``mean``."""

    @model_validator(mode="after")
    def _one_centre_one_spread(self) -> Self:
        if sum(value is not None for value in (self.mu, self.median, self.mean)) != 1:
            raise ValueError("a lognormal needs exactly one of mu, median, mean")
        if (self.sigma is None) == (self.sd is None):
            raise ValueError("a lognormal needs exactly one of sigma, sd")
        if self.sd is not None and self.mean is None:
            raise ValueError("sd goes with mean; give sigma with mu or median")
        return self


class GammaLengthSpec(BoundedSpec):
    """Gamma distribution; mean = shape * scale."""

    distribution: Literal["gamma"]
    shape: Positive
    scale: Positive
    """[tokens]"""


class WeibullLengthSpec(BoundedSpec):
    """Weibull distribution."""

    distribution: Literal["weibull"]
    shape: Positive
    scale: Positive
    """[tokens]"""


class ExponentialSpec(BoundedSpec):
    """Exponential distribution."""

    distribution: Literal["exponential"]
    mean: Positive
    """[tokens]"""


class InverseGaussianSpec(BoundedSpec):
    """Inverse Gaussian (Wald) distribution; fits lengths of reasoning as well as a lognormal."""

    distribution: Literal["inverse_gaussian"]
    mean: Positive
    """[tokens]"""
    cv: Positive
    """Standard deviation over mean."""


class ReasoningLengthSpec(BoundedSpec):
    """How long a reasoning model's output is on problems of one difficulty, thinking and answer together.

    Either ``profile`` names a model with published lengths (``techniques/reasoning_lengths.yaml``), or
    ``mean`` says how long its outputs are on average at this difficulty, or ``means`` how long at each of
    several. Benchmark profiles have difficulties; pooled ones (``...-gpqa``) and production ones mix them.
    """

    distribution: Literal["reasoning"]
    mean: Positive | None = None
    """Mean length at this difficulty, loops included [tokens]."""
    means: Annotated[dict[Difficulty, Positive], Field(min_length=1)] | None = None
    """Mean length at each difficulty, loops included [tokens]; ``difficulty`` names the one to draw from, the
    others tell how evenly the model thinks."""
    profile: str | None = None
    """Name of a shipped profile, e.g. ``deepseek-r1-0528`` or ``production/deepseek-r1``."""
    difficulty: str | int | None = None
    """Of ``means``, or of a benchmark profile: easy, medium, hard, hardest (8, 64, 128, 192 nodes of a graph
    quiz)."""
    effort: Literal["low", "medium", "high"] | None = None
    """Effort asked for; scales the length as it does for the one model with all three published."""
    level: float | None = None
    """Mean of ln(mean tokens) over the difficulties of a model given by ``mean``; default: ln(mean)."""
    family: Literal["lognormal", "inverse_gaussian"] = "lognormal"
    """Shape of the body."""
    loops: Annotated[float, Field(ge=0.0, lt=1.0)] | None = None
    """Share of responses that loop until ``max``; default: the profile's, else none."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if sum(origin is not None for origin in (self.mean, self.means, self.profile)) != 1:
            raise ValueError("reasoning lengths need exactly one of mean, means, profile")
        if self.means is not None:
            self._one_of_the_means(self.means)
        if self.loops and self.max is None:
            raise ValueError("loops needs max: a loop ends only there")
        return self

    def _one_of_the_means(self, means: dict[str, float]) -> None:
        if self.level is not None:
            raise ValueError("level follows from means; give it with mean only")
        told = ", ".join(means)
        if self.difficulty is None:
            raise ValueError(f"means needs a difficulty, one of {told}")
        asked = str(self.difficulty)
        if asked not in means:
            raise ValueError(f"means tells no difficulty {asked!r}{nearest(asked, means)}; it tells {told}")


class EmpiricalSpec(BoundedSpec):
    """Listed lengths, equally often or by weight."""

    distribution: Literal["empirical"]
    values: Annotated[tuple[Tokens, ...], Field(min_length=1)]
    """Lengths [tokens]."""
    weights: Weights | None = None
    """How often each occurs (any scale). Default: equally often."""

    @model_validator(mode="after")
    def _weights_fit(self) -> Self:
        if self.weights is not None and len(self.weights) != len(self.values):
            raise ValueError(f"{len(self.values)} values but {len(self.weights)} weights")
        if self.weights is not None and sum(self.weights) <= 0.0:
            raise ValueError("at least one weight must be above zero")
        return self


class QuantilesSpec(BoundedSpec):
    """A published table of percentiles, joined by straight lines in ln(tokens)."""

    distribution: Literal["quantiles"]
    percent: tuple[Annotated[float, Field(ge=0.0, le=100.0)], ...]
    """Percentiles, rising from 0 to 100."""
    tokens: tuple[Annotated[float, Field(ge=1.0)], ...]
    """Length at each percentile [tokens], not falling."""

    @model_validator(mode="after")
    def _a_table(self) -> Self:
        if len(self.percent) != len(self.tokens) or len(self.percent) < 2:
            raise ValueError("percent and tokens must be equally long, at least two entries")
        if self.percent[0] != 0.0 or self.percent[-1] != 100.0:
            raise ValueError("percent must start at 0 and end at 100")
        if any(b <= a for a, b in zip(self.percent, self.percent[1:], strict=False)):
            raise ValueError("percent must rise")
        if any(b < a for a, b in zip(self.tokens, self.tokens[1:], strict=False)):
            raise ValueError("tokens must not fall")
        return self


class PartSpec(Spec):
    """One part of a mixture."""

    weight: Positive
    """Share of the part (any scale)."""
    of: LengthSpec
    """The part's distribution; ``fixed`` is a point mass."""


class MixtureSpec(BoundedSpec):
    """Each length comes from one of several distributions, chosen by weight."""

    distribution: Literal["mixture"]
    parts: Annotated[tuple[PartSpec, ...], Field(min_length=1)]


LengthSpec = Annotated[
    FixedSpec
    | UniformSpec
    | NormalSpec
    | LognormalSpec
    | GammaLengthSpec
    | WeibullLengthSpec
    | ExponentialSpec
    | InverseGaussianSpec
    | ReasoningLengthSpec
    | EmpiricalSpec
    | QuantilesSpec
    | MixtureSpec,
    Field(discriminator="distribution"),
]

PartSpec.model_rebuild()
MixtureSpec.model_rebuild()
