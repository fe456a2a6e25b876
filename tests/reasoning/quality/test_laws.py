"""Laws of accuracy: what they must do at their ends, and that what is simulated follows them."""

from __future__ import annotations

import pytest

from simulator.errors import InputError
from simulator.reasoning.quality.coverage import fit_beta_problems, fit_exponent, power_law
from simulator.reasoning.quality.published import (
    coverage_points,
    effort_points,
    joint_tables,
    pass_at_1,
    problems_of,
    vote_exponent,
    vote_pairs,
)
from simulator.reasoning.quality.tokens import doublings
from simulator.reasoning.quality.verifiers import best_of_accuracy
from simulator.reasoning.quality.voting import (
    concentration,
    fit_vote_exponent,
    leave_one_out,
    median_error,
    vote_accuracy,
)
from tests.reasoning.tasks import columns, desk, work

SEVEN_B = {"task_set": "aime24", "model": "deepseek-r1-distill-qwen-7b"}


def test_votes_of_models_left_out_are_within_five_points_at_the_median():
    found = leave_one_out(vote_pairs())
    assert len(found) == 9
    assert median_error(found) <= 5.0


def test_the_shipped_exponent_is_the_one_that_the_pairs_give():
    shipped, fitted_on = vote_exponent()
    assert shipped == pytest.approx(fit_vote_exponent(vote_pairs()), abs=5e-4)
    assert "AIME" in fitted_on


def test_a_vote_of_one_is_pass_at_1_and_nothing_is_gained_beyond_what_was_measured():
    exponent, _ = vote_exponent()
    assert vote_accuracy(0.4, 1, exponent) == pytest.approx(0.4)
    assert vote_accuracy(0.4, 64, exponent) == vote_accuracy(0.4, 4096, exponent) > 0.4


def test_a_coverage_curve_goes_through_its_two_points_and_only_rises():
    model, points, _ = coverage_points("swe-bench-lite")
    assert model == "deepseek-coder-v2"
    problems = fit_beta_problems(points[1], 250, points[250])
    assert problems.coverage(1) == pytest.approx(0.159)
    assert problems.coverage(250) == pytest.approx(0.56, abs=1e-6)
    curve = [problems.coverage(k) for k in (1, 2, 4, 16, 64, 250, 1000)]
    assert curve == sorted(curve)
    assert power_law(points[1], 250, fit_exponent(points[1], 250, points[250])) == pytest.approx(0.56)


def test_a_verifier_that_guesses_gains_nothing_and_a_perfect_one_covers():
    problems = fit_beta_problems(0.3, 100, 0.8)
    assert best_of_accuracy(problems, 32, 0.0) == pytest.approx(0.3, abs=1e-3)
    assert best_of_accuracy(problems, 32, 30.0) == pytest.approx(problems.coverage(32), abs=1e-3)


def test_a_noisy_verifier_levels_off_below_coverage():
    problems = fit_beta_problems(0.3, 100, 0.8)
    curve = [best_of_accuracy(problems, n, 1.0) for n in (1, 4, 16, 64, 256)]
    assert curve[0] < curve[1] < curve[2]
    assert curve[4] - curve[3] < curve[1] - curve[0]
    assert curve[4] < problems.coverage(256) - 0.1


def test_each_further_doubling_of_the_tokens_gains_less():
    points, _ = effort_points("aider-polyglot")
    first, second = doublings(points["gpt-5"])
    assert first.points_per_doubling > second.points_per_doubling > 0


def test_a_router_lies_between_chance_and_oracle():
    for table in joint_tables():
        assert table.by_oracle(0.0) == table.weak
        assert table.by_oracle(1.0) == pytest.approx(table.strong)
        assert table.by_oracle(table.strong_only) == pytest.approx(table.weak + table.strong_only)
        assert table.by_chance(0.3) < table.accuracy(0.3, 0.5) < table.by_oracle(0.3)


def test_every_published_set_says_how_many_problems_it_has():
    assert all(problems_of(name) >= 30 for name in ("aime24", "gpqa-diamond", "math500", "swe-bench-lite"))
    assert problems_of("a set of one's own") is problems_of(None) is None


def test_an_unknown_task_set_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match=r"aime24"):
        pass_at_1("aime2024", "o1-mini")
    with pytest.raises(InputError, match=r"did you mean 'o1-mini'"):
        pass_at_1("aime24", "o1-minni")


def test_problems_of_a_set_vote_as_the_set_does():
    alike = concentration(0.555, 0.833, 0.11)
    target = desk({"kind": "majority_vote", "samples": 64}, SEVEN_B)
    work(target, tasks=400, thinking=20, output=25)
    assert columns(target).right.mean() == pytest.approx(0.833, abs=0.05)
    assert 0.05 < alike < 5.0


def test_single_chains_of_a_set_reach_pass_at_1():
    target = desk({"kind": "chain"}, SEVEN_B)
    work(target, tasks=1500, thinking=5, output=8)
    assert columns(target).right.mean() == pytest.approx(0.555, abs=0.04)
    assert "AIME" in target.recording().quality or "aime24" in target.recording().quality


def test_best_of_n_with_a_perfect_check_covers_more_than_a_vote():
    checked = {"kind": "best_of_n", "samples": 16, "verifier": {"kind": "discriminative", "d_prime": 100}}
    best, vote = desk(checked, SEVEN_B), desk({"kind": "majority_vote", "samples": 16}, SEVEN_B)
    work(best, tasks=300, thinking=20, output=25)
    work(vote, tasks=300, thinking=20, output=25)
    assert columns(best).right.mean() > columns(vote).right.mean()
