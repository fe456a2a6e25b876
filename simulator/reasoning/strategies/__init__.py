"""Strategies: a program for each spec."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.reasoning.strategies.agent import Agent
from simulator.reasoning.strategies.base import Strategy
from simulator.reasoning.strategies.beam_search import BeamSearch
from simulator.reasoning.strategies.best_of_n import BestOfN
from simulator.reasoning.strategies.cascade import Cascade
from simulator.reasoning.strategies.chain import Chain
from simulator.reasoning.strategies.dvts import Dvts
from simulator.reasoning.strategies.majority_vote import MajorityVote
from simulator.reasoning.strategies.mcts import Mcts
from simulator.reasoning.strategies.rebase import Rebase
from simulator.reasoning.strategies.router import Router
from simulator.reasoning.strategies.self_verification import SelfVerification
from simulator.reasoning.strategies.threads import Threads
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
from simulator.scenario.spec import Spec

__all__ = ["STRATEGIES", "Strategy", "build_strategy"]

#: The program of each spec.
STRATEGIES: dict[type[Spec], Callable[[Any], Strategy[Any]]] = {
    ChainSpec: Chain,
    BestOfNSpec: BestOfN,
    MajorityVoteSpec: MajorityVote,
    BeamSearchSpec: BeamSearch,
    DvtsSpec: Dvts,
    RebaseSpec: Rebase,
    MctsSpec: Mcts,
    SelfVerificationSpec: SelfVerification,
    ThreadsSpec: Threads,
    AgentSpec: Agent,
    CascadeSpec: Cascade,
    RoutingSpec: Router,
}


def build_strategy(spec: StrategySpec) -> Strategy[Any]:
    """The strategy that a spec describes."""
    return STRATEGIES[type(spec)](spec)
