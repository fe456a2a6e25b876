"""Expected accuracy of a strategy on a task set, without simulating a cluster.

What a run draws task by task, averaged over the set: exact, but for votes of more than ``EXACT_BALLOTS`` that
may stop early, whose difference to the whole vote is drawn. Strategies that no published law covers
(`laws`) have none, and chains with a budget none either: how many it cuts is for a simulation to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch

from simulator.reasoning.judging import TaskSetJudge
from simulator.reasoning.quality.ballots import gain_by_stopping
from simulator.reasoning.quality.checked import checked_right
from simulator.reasoning.quality.coverage import BetaProblems
from simulator.reasoning.quality.laws import law_of
from simulator.reasoning.quality.plurality import stopped_vote_right, vote_right
from simulator.reasoning.quality.verifiers import best_of_accuracy
from simulator.scenario.reasoning import StrategySpec
from simulator.scenario.reasoning.strategies import (
    BestOfNSpec,
    ChainSpec,
    MajorityVoteSpec,
    SelfVerificationSpec,
    ThreadsSpec,
)
from simulator.units.random_streams import RandomStreams

#: Largest vote that is followed ballot by ballot where it may stop early: a second of work at most.
EXACT_BALLOTS = 512


@dataclass(frozen=True, slots=True)
class ExpectedRight:
    """Share of a set's tasks that is answered right.

    ``low`` and ``high`` bound what was drawn of it, at 95 %; both are the share where it is exact. They say
    nothing of how sure the published figures are.
    """

    share: float
    low: float
    high: float


def expected_accuracy(
    strategy: StrategySpec, judge: TaskSetJudge, streams: RandomStreams
) -> ExpectedRight | None:
    """Share of the set's tasks that the strategy answers right; None where no law covers it."""
    return None if law_of(strategy) is None else _expected(strategy, judge, streams)


@singledispatch
def _expected(strategy: StrategySpec, judge: TaskSetJudge, streams: RandomStreams) -> ExpectedRight | None:
    return None


@_expected.register
def _chain(strategy: ChainSpec, judge: TaskSetJudge, streams: RandomStreams) -> ExpectedRight | None:
    return None if strategy.budget is not None else _exactly(_problems(judge).pass_at_1)


@_expected.register
def _threads(strategy: ThreadsSpec, judge: TaskSetJudge, streams: RandomStreams) -> ExpectedRight:
    # ThreadWeaver's README: 72.2 % sequential, 71.9 % parallel over six benchmarks: no difference claimed.
    return _exactly(_problems(judge).pass_at_1)


@_expected.register
def _best_of(strategy: BestOfNSpec, judge: TaskSetJudge, streams: RandomStreams) -> ExpectedRight | None:
    if strategy.budget is not None:
        return None
    return _exactly(best_of_accuracy(_problems(judge), strategy.samples, strategy.verifier.d_prime))


@_expected.register
def _vote(strategy: MajorityVoteSpec, judge: TaskSetJudge, streams: RandomStreams) -> ExpectedRight | None:
    if strategy.budget is not None:
        return None
    problems, alike, samples = _problems(judge), judge.wrong_agreement, strategy.samples
    early, least = strategy.early_stop, strategy.least
    if early is None:
        return _exactly(vote_right(problems, alike, samples))
    if samples <= EXACT_BALLOTS:
        return _exactly(stopped_vote_right(problems, alike, samples, early, least))
    gain, half = gain_by_stopping(problems, alike, samples, early, least, streams.within("expected"))
    share = vote_right(problems, alike, samples) + gain
    return ExpectedRight(share, max(share - half, 0.0), min(share + half, 1.0))


@_expected.register
def _self_verified(
    strategy: SelfVerificationSpec, judge: TaskSetJudge, streams: RandomStreams
) -> ExpectedRight:
    rates = strategy.accepts_right, strategy.accepts_wrong
    return _exactly(checked_right(_problems(judge), strategy.rounds, *rates))


def _exactly(share: float) -> ExpectedRight:
    return ExpectedRight(share, share, share)


def _problems(judge: TaskSetJudge) -> BetaProblems:
    return BetaProblems(judge.alpha, judge.beta)
