"""Every combination of model, hardware and strategy as a scenario of its own.

Each model lies on the fewest devices of each kind that hold it and some of the traffic's sequences; the
workload, its rate and the engine's settings stay as the scenario has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from simulator.errors import InputError
from simulator.hardware.catalogue import load_device
from simulator.models.catalogue import load_model
from simulator.planning.designs import changed, layouts_on, on_hardware, only_pool
from simulator.planning.entrant_names import named
from simulator.planning.lengths import Lengths, lengths_of
from simulator.reasoning.quality.published import is_published
from simulator.scenario.backend import AutoBackendSpec
from simulator.scenario.compare import EntrantSpec
from simulator.scenario.frontier import FrontierModelSpec, FrontierSpec
from simulator.scenario.model import ModelSpec
from simulator.scenario.reasoning import ReasoningSpec, StrategySpec
from simulator.scenario.reasoning.strategies import BestOfNSpec, ChainSpec, MajorityVoteSpec
from simulator.scenario.scenario import Scenario

#: Samples of the votes and verified samples that are tried where the scenario names no strategies.
SAMPLES = (4, 16, 64)


@dataclass(frozen=True, slots=True)
class Design:
    """One combination: a scenario to run, or why there is none."""

    model: str
    hardware: str
    strategy: StrategySpec
    scenario: Scenario | None
    refusal: str | None = None

    @property
    def label(self) -> str:
        """The strategy in a few words."""
        samples = getattr(self.strategy, "samples", None) or getattr(self.strategy, "beams", None)
        stops = getattr(self.strategy, "early_stop", None)
        budget = getattr(self.strategy, "budget", None)
        of = "" if samples is None else f" of {samples}"
        name = self.strategy.kind.replace("_", " ").removesuffix(" of n")
        cut = "" if budget is None else f", thinking cut at {budget}"
        return f"{name}{of}{cut}" + ("" if stops is None else f", stops at {stops:.0%}")


def usual_strategies() -> tuple[StrategySpec, ...]:
    """One chain; votes and verified samples of several sizes."""
    return (
        ChainSpec(kind="chain"),
        *(MajorityVoteSpec(kind="majority_vote", samples=n) for n in SAMPLES),
        *(BestOfNSpec(kind="best_of_n", samples=n) for n in SAMPLES),
    )


def designs_of(scenario: Scenario, asked: FrontierSpec) -> list[Design]:
    """All designs, models outermost.

    Raises
    ------
    InputError
        Where the scenario has several pools, a model or device is not known, or two of either have one id.
    """
    pool = only_pool(scenario)
    models = asked.models or (FrontierModelSpec(card=scenario.model.card),)
    _check_models_told_apart(models)
    hardware = asked.hardware or (EntrantSpec(hardware=pool.hardware),)
    strategies = asked.strategies or usual_strategies()
    lengths = lengths_of(scenario)
    found: list[Design] = []
    for model, (name, entrant) in product(models, named(hardware).items()):
        found += _on(scenario, model, name, entrant, strategies, lengths)
    return found


def _check_models_told_apart(models: Iterable[FrontierModelSpec]) -> None:
    """Refuse two cards with one id, for answers name models by it."""
    known: dict[str, str] = {}
    for model in models:
        card = load_model(model.card)
        other = known.setdefault(card.id, model.card)
        if load_model(other) != card:
            raise InputError(
                f"{other} and {model.card} are two model cards with one id, {card.id!r}:"
                " give the file another name or an `id`"
            )


def _on(
    scenario: Scenario,
    model: FrontierModelSpec,
    name: str,
    entrant: EntrantSpec,
    strategies: tuple[StrategySpec, ...],
    lengths: Lengths,
) -> Iterator[Design]:
    card, device = load_model(model.card), load_device(entrant.hardware)
    pool = only_pool(scenario)
    own = scenario.model.card == model.card
    served = scenario.model_of(pool) if own else ModelSpec(card=model.card)
    longest = pool.engine.max_model_len or lengths.longest
    try:
        layouts = layouts_on(device, scenario, Lengths(lengths.mean, longest), served)
        placed = on_hardware(scenario if own else _unmeasured(scenario), entrant, layouts[0], longest)
    except InputError as error:
        for strategy in strategies:
            yield Design(card.id, name, strategy, None, str(error))
        return
    for strategy in strategies:
        reasoning = _reasoning(scenario, strategy, model, own)
        one = changed(placed, model=served, reasoning=reasoning, frontier=None)
        yield Design(card.id, name, strategy, one)


def _unmeasured(scenario: Scenario) -> Scenario:
    """The scenario without its own model and the step times of that."""
    pool = only_pool(scenario).model_copy(update={"latency": AutoBackendSpec(), "model": None})
    return changed(scenario, cluster=scenario.cluster.model_copy(update={"pools": (pool,)}))


def _reasoning(
    scenario: Scenario, strategy: StrategySpec, model: FrontierModelSpec, own: bool
) -> ReasoningSpec:
    """The scenario's, with another strategy; what is known of one model's answers is not of another's."""
    given = scenario.reasoning
    if given is None:
        return ReasoningSpec(strategy=strategy, thinking_scale=model.thinking)
    quality = given.quality
    if quality is not None and not own:
        figure = quality.model_copy(update={"model": None}).of_model(load_model(model.card).id)
        quality = figure if quality.task_set and is_published(quality.task_set, str(figure.model)) else None
    scale = given.thinking_scale * model.thinking
    return given.model_copy(update={"strategy": strategy, "quality": quality, "thinking_scale": scale})
