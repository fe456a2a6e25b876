"""Expected accuracies: held against every possible vote written out, against runs, and against each other."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest

from simulator.reasoning.judging import TaskSetJudge
from simulator.reasoning.quality.ballots import gain_by_stopping
from simulator.reasoning.quality.checked import checked_right
from simulator.reasoning.quality.coverage import BetaProblems
from simulator.reasoning.quality.expected import EXACT_BALLOTS, expected_accuracy
from simulator.reasoning.quality.plurality import stopped_vote_right, vote_right
from simulator.scenario.reasoning import ReasoningSpec
from simulator.scenario.reasoning.strategies import MajorityVoteSpec
from simulator.units.random_streams import RandomStreams
from tests.reasoning.tasks import columns, desk, work

PROBLEMS, ALIKE = BetaProblems(0.7, 0.9), 0.3
SEVEN_B = {"task_set": "aime24", "model": "deepseek-r1-distill-qwen-7b"}


def by_hand(samples, early_stop=2.0, least=1):
    """Every sequence of ballots with its probability, elected as a person would."""
    chances = {
        "right": lambda p: p,
        "lure": lambda p: (1 - p) * ALIKE,
        "own": lambda p: (1 - p) * (1 - ALIKE),
    }
    nodes, weights = np.polynomial.legendre.leggauss(200)
    # p = x^2 (3 - 2x) takes the poles of the density away from the ends of the interval
    x = (nodes + 1) / 2
    p = x**2 * (3 - 2 * x)
    density = p ** (PROBLEMS.alpha - 1) * (1 - p) ** (PROBLEMS.beta - 1) * 6 * x * (1 - x) * weights
    density /= density.sum()
    found = 0.0
    for kinds in product(chances, repeat=samples):
        labels = [kind if kind != "own" else index for index, kind in enumerate(kinds)]
        cast = []
        for label in labels:
            cast.append(label)
            if len(cast) >= least and max(map(cast.count, cast)) >= early_stop * len(cast):
                break
        if max(cast, key=cast.count) == "right":  # of equals the first
            found += (density * np.prod([chances[kind](p) for kind in kinds], axis=0)).sum()
    return found


@pytest.mark.parametrize("samples", range(1, 8))
def test_a_whole_vote_is_what_all_possible_votes_make(samples):
    assert vote_right(PROBLEMS, ALIKE, samples) == pytest.approx(by_hand(samples), abs=1e-5)


@pytest.mark.parametrize(
    ("samples", "early_stop", "least"), [(6, 0.5, 2), (7, 0.6, 3), (5, 0.3, 1), (7, 0.2, 5), (6, 1.0, 4)]
)
def test_a_vote_that_stops_early_is_what_all_possible_votes_make(samples, early_stop, least):
    found = stopped_vote_right(PROBLEMS, ALIKE, samples, early_stop, least)
    assert found == pytest.approx(by_hand(samples, early_stop, least), abs=1e-5)


@pytest.mark.parametrize("samples", [1, 2, 15, 40])
def test_a_vote_that_cannot_stop_early_is_a_whole_one(samples):
    never = stopped_vote_right(PROBLEMS, ALIKE, samples, 1.0, samples)
    assert never == pytest.approx(vote_right(PROBLEMS, ALIKE, samples))


def test_one_more_ballot_never_lowers_a_vote_on_a_set_where_votes_help():
    problems = BetaProblems(0.528, 0.423)  # AIME 2024, R1-Distill-Qwen-7B
    curve = [vote_right(problems, 0.11, samples) for samples in range(1, 65)]
    assert all(more >= fewer - 1e-12 for fewer, more in pairwise(curve))
    stopped = [stopped_vote_right(problems, 0.11, n, 0.8, 4) for n in range(4, 65)]
    assert all(early <= whole + 1e-12 for early, whole in zip(stopped, curve[3:], strict=True))


@pytest.mark.parametrize("early_stop", [0.5, 0.8])
def test_what_is_drawn_of_long_votes_has_the_exact_figure_in_its_interval(early_stop):
    gain, half = gain_by_stopping(PROBLEMS, ALIKE, 100, early_stop, 4, RandomStreams(0))
    exact = stopped_vote_right(PROBLEMS, ALIKE, 100, early_stop, 4) - vote_right(PROBLEMS, ALIKE, 100)
    assert abs(gain - exact) <= half < 0.006


def test_long_votes_that_stop_early_have_an_interval_that_the_seed_moves():
    judge = TaskSetJudge(0.7, 0.9, 0.3, "a test")

    def expected(samples, seed):
        vote = MajorityVoteSpec(kind="majority_vote", samples=samples, early_stop=0.5, least=2)
        return expected_accuracy(vote, judge, RandomStreams(seed))

    long = [expected(EXACT_BALLOTS + 1, seed) for seed in (0, 1)]
    assert all(one.low < one.share < one.high for one in long)
    assert long[0].share != long[1].share and long[0].low < long[1].high and long[1].low < long[0].high
    short = [expected(16, seed) for seed in (0, 1)]
    assert short[0] == short[1] and short[0].low == short[0].share == short[0].high


@pytest.mark.parametrize(
    "strategy",
    [
        {"kind": "majority_vote", "samples": 12},
        {"kind": "majority_vote", "samples": 12, "early_stop": 0.5, "least": 2},
        {"kind": "self_verification", "rounds": 4},
    ],
    ids=str,
)
def test_a_run_answers_as_many_right_as_expected(strategy):
    target = desk(strategy, {**SEVEN_B, "wrong_agreement": 0.4})
    work(target, tasks=2000, thinking=4, output=6)
    right = columns(target).right
    spec = ReasoningSpec.model_validate(
        {"strategy": strategy, "quality": {**SEVEN_B, "wrong_agreement": 0.4}}
    )
    expected = expected_accuracy(spec.strategy, target.judge, RandomStreams(0))
    deviation = (expected.share * (1 - expected.share) / len(right)) ** 0.5
    assert right.mean() == pytest.approx(expected.share, abs=3 * deviation)


def test_checks_that_pass_everything_change_nothing_and_perfect_ones_cover():
    assert checked_right(PROBLEMS, 5, 1.0, 1.0) == pytest.approx(PROBLEMS.pass_at_1)
    assert checked_right(PROBLEMS, 5, 1.0, 0.0) == pytest.approx(PROBLEMS.coverage(5))
    assert checked_right(PROBLEMS, 1, 0.3, 0.7) == pytest.approx(PROBLEMS.pass_at_1)
