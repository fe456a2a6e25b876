"""How often answers are right: from published figures or the user's own, never assumed."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from simulator.scenario.spec import Share, Spec

InsideShare = Annotated[float, Field(gt=0.0, lt=1.0)]


class QualitySpec(Spec):
    """What is known about right answers on a set of tasks.

    Either ``task_set`` (and ``model``) names a published figure of ``techniques/quality.yaml``, or
    ``pass_at_1`` is given with its ``source``. Without any of this a run reports cost and latency and no
    accuracy.
    """

    task_set: str | None = None
    """Name of a set of tasks with published figures, e.g. ``aime24``."""
    model: str | None = None
    """Model whose published figure counts, e.g. ``deepseek-r1-distill-qwen-7b``; default: the scenario's."""
    pass_at_1: InsideShare | None = None
    """Share of single answers that are right."""
    source: str | None = None
    """Where ``pass_at_1`` is known from."""
    wrong_agreement: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.11
    """Share of a problem's wrong answers that agree with each other; the others are all different."""
    cons_at_64: Share | None = None
    """Share right by majority of 64, where measured; default: predicted from ``pass_at_1``."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if self.model is not None and self.task_set is None:
            raise ValueError("a published figure needs task_set too: model alone names none")
        if (self.task_set is not None) == (self.pass_at_1 is not None):
            raise ValueError("give either task_set, or pass_at_1 with its source")
        if self.pass_at_1 is not None and self.source is None:
            raise ValueError("pass_at_1 needs a source: say where it was measured")
        return self

    def of_model(self, model: str) -> QualitySpec:
        """The same, with this model where none is named."""
        if self.task_set is None or self.model is not None:
            return self
        return self.model_copy(update={"model": model})
