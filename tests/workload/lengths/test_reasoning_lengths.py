"""Reasoning lengths: the law, profiles, loops, efforts."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import TypeAdapter

from simulator.errors import InputError
from simulator.scenario.workload.lengths import LengthSpec
from simulator.workload.lengths import length_table
from simulator.workload.lengths.reasoning_profiles import benchmark_profiles, profile_names, shipped_law


def table(**spec):
    return length_table(TypeAdapter(LengthSpec).validate_python({"distribution": "reasoning", **spec}))


def mean(found) -> float:
    return found.first + float((1.0 - found.cumulative).sum())


def quantile(found, share: float) -> int:
    return int(found.draw(np.array([share]))[0])


@pytest.mark.parametrize("family", ["lognormal", "inverse_gaussian"])
def test_the_mean_asked_for_is_the_mean(family):
    assert mean(table(mean=6000, family=family)) == pytest.approx(6000, rel=0.01)


def test_both_families_agree_on_the_middle():
    one, other = table(mean=6000), table(mean=6000, family="inverse_gaussian")
    for share in (0.1, 0.5, 0.9):
        assert quantile(one, share) == pytest.approx(quantile(other, share), rel=0.05)


def test_a_loop_runs_into_the_cap_and_the_mean_stays():
    found = table(mean=6000, max=30_000, loops=0.05)
    assert found.last == 30_000
    assert 1.0 - found.cumulative[-2] == pytest.approx(0.05, abs=0.01)
    assert mean(found) == pytest.approx(6000, rel=0.03)


def test_who_thinks_long_thinks_evenly():
    law = shipped_law()
    assert law.spread_at(9.5) < law.spread_at(7.5)


def test_a_profile_grows_with_difficulty_and_effort():
    easy, hard = (
        table(profile="deepseek-r1-0528", difficulty=difficulty) for difficulty in ("easy", "hardest")
    )
    assert mean(easy) == pytest.approx(3076, rel=0.01)
    assert quantile(hard, 0.5) > 3 * quantile(easy, 0.5)
    low, high = (table(profile="gpt-5_medium", difficulty=64, effort=effort) for effort in ("low", "high"))
    assert mean(high) / mean(low) == pytest.approx(11660 / 3465, rel=0.01)


def test_means_at_every_difficulty_are_a_profile_of_ones_own():
    shipped = benchmark_profiles()["deepseek-r1-0528"]
    own = table(means=shipped.means, difficulty=128)
    assert np.array_equal(own.cumulative, table(profile=shipped.name, difficulty="hard").cumulative)
    even, uneven = (table(means={"now": 5000, "else": other}, difficulty="now") for other in (50_000, 500))
    assert quantile(even, 0.9) < quantile(uneven, 0.9)


def test_means_survive_being_written_as_json():
    spec = TypeAdapter(LengthSpec).validate_python(
        {"distribution": "reasoning", "means": {8: 500, 64: 4000}, "difficulty": 64}
    )
    assert TypeAdapter(LengthSpec).validate_json(spec.model_dump_json()) == spec


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({}, "needs a difficulty, one of easy, hard"),
        ({"difficulty": "harder"}, r"no difficulty 'harder' \(did you mean 'hard'\?\); it tells easy, hard"),
        ({"difficulty": "hard", "level": 8.0}, "level follows from means"),
        ({"difficulty": "hard", "mean": 900}, "exactly one of mean, means, profile"),
    ],
)
def test_means_without_the_difficulty_asked_for_are_refused(wrong, told):
    with pytest.raises(ValueError, match=told):
        table(means={"easy": 500, "hard": 4000}, **wrong)


def test_production_is_far_shorter_than_benchmarks_of_the_same_model():
    production = table(profile="production/deepseek-r1")
    assert 5 < mean(table(profile="deepseek-r1-0528-gpqa")) / mean(production) < 9


def test_every_profile_can_be_drawn_from():
    difficult = benchmark_profiles()
    for name in profile_names():
        found = table(profile=name, **({"difficulty": "hard"} if name in difficult else {}))
        assert found.cumulative[-1] == 1.0


def test_an_unknown_profile_names_the_nearest():
    with pytest.raises(InputError, match="did you mean 'deepseek-r1-0528'"):
        table(profile="deepseek-r1-528", difficulty="easy")
    with pytest.raises(InputError, match="easy, medium, hard, hardest"):
        table(profile="glm-4.5")
