"""Expected accuracy of a strategy on a task set, without simulating a cluster.

What a run draws task by task, averaged over the set: exact for single chains and verified samples, by many
drawn votes for majorities. Strategies that no published law covers (`laws`) have none, and chains with a
budget none either: how many it cuts is for a simulation to say.
"""

from __future__ import annotations

from collections import Counter
from functools import singledispatch
from random import Random

from simulator.reasoning.judging import TaskSetJudge
from simulator.reasoning.quality.coverage import BetaProblems
from simulator.reasoning.quality.laws import law_of
from simulator.reasoning.quality.verifiers import best_of_accuracy
from simulator.scenario.reasoning import StrategySpec
from simulator.scenario.reasoning.strategies import (
    BestOfNSpec,
    ChainSpec,
    MajorityVoteSpec,
    SelfVerificationSpec,
    ThreadsSpec,
)

#: Votes drawn for an expected majority.
_DRAWS = 4000


def expected_accuracy(strategy: StrategySpec, judge: TaskSetJudge) -> float | None:
    """Share of the set's tasks that the strategy answers right; None where no law covers it."""
    return None if law_of(strategy) is None else _expected(strategy, judge)


@singledispatch
def _expected(strategy: StrategySpec, judge: TaskSetJudge) -> float | None:
    return None


@_expected.register
def _chain(strategy: ChainSpec, judge: TaskSetJudge) -> float | None:
    return _problems(judge).pass_at_1 if strategy.budget is None else None


@_expected.register
def _threads(strategy: ThreadsSpec, judge: TaskSetJudge) -> float:
    # ThreadWeaver's README: 72.2 % sequential, 71.9 % parallel over six benchmarks: no difference claimed.
    return _problems(judge).pass_at_1


@_expected.register
def _best_of(strategy: BestOfNSpec, judge: TaskSetJudge) -> float | None:
    if strategy.budget is not None:
        return None
    return best_of_accuracy(_problems(judge), strategy.samples, strategy.verifier.d_prime)


@_expected.register
def _vote(strategy: MajorityVoteSpec, judge: TaskSetJudge) -> float | None:
    if strategy.budget is not None:
        return None
    random = Random(0)
    right = 0
    for _ in range(_DRAWS):
        problem = judge.problem(random)
        votes: Counter[object] = Counter()
        for _ in range(strategy.samples):
            votes[problem.answer(random).label] += 1
            early, total = strategy.early_stop, votes.total()
            if early is not None and total >= strategy.least and max(votes.values()) >= early * total:
                break
        right += max(votes, key=lambda label: votes[label]) == "right"
    return right / _DRAWS


@_expected.register
def _self_verified(strategy: SelfVerificationSpec, judge: TaskSetJudge) -> float:
    random = Random(0)
    right = 0
    for _ in range(_DRAWS):
        problem = judge.problem(random)
        for _ in range(strategy.rounds):
            draft = bool(problem.answer(random).right)
            if random.random() < (strategy.accepts_right if draft else strategy.accepts_wrong):
                break
        right += draft
    return right / _DRAWS


def _problems(judge: TaskSetJudge) -> BetaProblems:
    return BetaProblems(judge.alpha, judge.beta)
