"""The section ``reasoning`` of a scenario."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from simulator.scenario.reasoning.quality import QualitySpec
from simulator.scenario.reasoning.strategies import MajorityVoteSpec, StrategySpec
from simulator.scenario.spec import Spec
from simulator.scenario.workload.quantities import Positive


class ReasoningSpec(Spec):
    """What every task of the workload becomes, and how often its answer is right."""

    strategy: StrategySpec
    """From one task to many calls."""

    run_spread: Annotated[float, Field(ge=0.0, le=3.0)] = 0.236
    """Standard deviation of ln(thinking) between runs of one model on one problem. Default: the median
    over 545 pairs of model and prompt (cpldcpu/LRMTokenEconomy, measured for this project)."""

    thinking_scale: Positive = 1.0
    """Thinking of this model, as a multiple of the workload's."""

    quality: QualitySpec | None = None
    """How often answers are right; without it cost and latency are all that is reported."""

    @model_validator(mode="after")
    def _votes_can_agree(self) -> Self:
        vote = self.strategy
        if not isinstance(vote, MajorityVoteSpec) or vote.early_stop is None:
            return self
        if self.quality is None and vote.agreement is None:
            raise ValueError(
                "early_stop needs to know how often chains agree: give quality, or strategy.agreement"
            )
        return self

    @property
    def models(self) -> tuple[str, ...]:
        """Cards of the models that calls name."""
        verifier = getattr(self.strategy, "verifier", None)
        named = [getattr(self.strategy, size, None) for size in ("small", "large")]
        named.append(None if verifier is None else verifier.model)
        return tuple(dict.fromkeys(name for name in named if name is not None))

    def of_model(self, model: str) -> ReasoningSpec:
        """The same for a cluster that serves ``model``."""
        if self.quality is None:
            return self
        return self.model_copy(update={"quality": self.quality.of_model(model)})
