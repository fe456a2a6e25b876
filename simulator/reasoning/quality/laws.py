"""Which strategies have a law from single answers to theirs, in words for the basis of an accuracy.

Where there is none a run reports cost and latency only, in a simulation as in `expected`: trees, agents,
cascades, routers, and chains that are drawn out (s1 has points of one model, no law).
"""

from __future__ import annotations

from functools import singledispatch

from simulator.scenario.reasoning import StrategySpec
from simulator.scenario.reasoning.strategies import (
    AgentSpec,
    BeamSearchSpec,
    BestOfNSpec,
    CascadeSpec,
    ChainSpec,
    DvtsSpec,
    MajorityVoteSpec,
    MctsSpec,
    RebaseSpec,
    RoutingSpec,
    SelfVerificationSpec,
    ThreadsSpec,
)

_BUDGET = "a chain cut by its budget counts as wrong, a lower bound"
_SIMULATED = "how many chains the budget cuts depends on their lengths: `simulator run` has the accuracy"


def law_of(strategy: StrategySpec) -> str | None:
    """How single answers become the strategy's, empty for one chain; None where no law is published."""
    return _law(strategy)


@singledispatch
def _law(strategy: StrategySpec) -> str | None:
    return None


@_law.register
def _chain(strategy: ChainSpec) -> str | None:
    if strategy.extend:
        return None
    return "" if strategy.budget is None else _BUDGET


@_law.register
def _best_of(strategy: BestOfNSpec) -> str:
    return _cut(f"the verifier's d' of {strategy.verifier.d_prime:g} is the scenario's", strategy.budget)


@_law.register
def _vote(strategy: MajorityVoteSpec) -> str:
    return _cut("the most common answer is taken", strategy.budget)


@_law.register
def _self_verified(strategy: SelfVerificationSpec) -> str:
    return (
        f"a check passes {strategy.accepts_right:.0%} of right and {strategy.accepts_wrong:.0%} of wrong"
        " drafts: the scenario's rates, not measured"
    )


@_law.register
def _threads(strategy: ThreadsSpec) -> str:
    return "threads are right as often as one chain (ThreadWeaver's README: 71.9 % beside 72.2 %)"


@singledispatch
def no_law_of(strategy: StrategySpec) -> str:
    """Why an accuracy of the strategy cannot be expected, or not without simulating it."""
    return _SIMULATED


@no_law_of.register
def _no_law_of_chains(strategy: ChainSpec) -> str:
    return "no law is published for chains that are drawn out" if strategy.extend else _SIMULATED


@no_law_of.register
def _no_law_of_trees(strategy: BeamSearchSpec | DvtsSpec | RebaseSpec | MctsSpec) -> str:
    return "no law is published that leads from single answers to those of a tree search"


@no_law_of.register
def _no_law_of_agents(strategy: AgentSpec) -> str:
    return "no law is published that leads from single answers to those of an agent"


@no_law_of.register
def _no_law_of_two_models(strategy: CascadeSpec | RoutingSpec) -> str:
    return "no law is published for which tasks a cascade or a router sends on"


def _cut(law: str, budget: int | None) -> str:
    return law if budget is None else f"{law}; {_BUDGET}"
