"""What `simulator frontier` looks over: models, strategies and hardware for one set of tasks."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PositiveFloat

from simulator.scenario.compare import EntrantSpec
from simulator.scenario.reasoning import StrategySpec
from simulator.scenario.spec import Share, Spec
from simulator.scenario.workload.quantities import Positive


class FrontierModelSpec(Spec):
    """A model that may answer the tasks."""

    card: str
    """Name of a shipped model card, or the path of one."""

    thinking: Positive = 1.0
    """Its thinking, as a multiple of the workload's."""


def _from_name(key: str) -> BeforeValidator:
    return BeforeValidator(lambda entry: {key: entry} if isinstance(entry, str) else entry)


def _strategy_from_kind(entry: Any) -> Any:
    return {"kind": entry} if isinstance(entry, str) else entry


class FrontierSpec(Spec):
    """The designs that are tried, and what is wanted of them."""

    models: tuple[Annotated[FrontierModelSpec, _from_name("card")], ...] = ()
    """Model cards; default: the scenario's."""

    hardware: tuple[Annotated[EntrantSpec, _from_name("hardware")], ...] = ()
    """Hardware profiles; default: the scenario's."""

    strategies: tuple[Annotated[StrategySpec, BeforeValidator(_strategy_from_kind)], ...] = Field(
        default=(), max_length=200
    )
    """Strategies; default: one chain, and votes and verified samples of 4, 16 and 64."""

    target: Share | None = None
    """Accuracy that is wanted."""

    budget: PositiveFloat | None = None
    """Most that a task may cost [USD]."""
