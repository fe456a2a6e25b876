"""The search finds the fewest units with few simulations, and never returns what fails its verification."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulator.planning.size.answer import Candidate
from simulator.planning.size.bound import Estimate
from simulator.planning.size.families import families_of
from simulator.planning.size.rules import VERIFICATION_SEED, rules_of
from simulator.planning.size.search import Found, NotFound, UnitSearch
from simulator.planning.size.tables import proof_table
from tests.planning.size.trials import TARGET, answered, replicas, trial


@pytest.fixture
def search(chat):
    def build(guess: int = 1, least: int = 1, below: int | None = None, requests: int = 10_000, **size):
        scenario = chat(requests=requests, size=size)
        ((family,), _) = families_of(scenario)
        return UnitSearch(family, Estimate(least, guess, None, None), rules_of(scenario)).run(below)

    return build


def enough_from(least: int):
    """A load that so many replicas carry; one fewer misses by a little."""
    return lambda ask: trial(0.99 if replicas(ask) >= least or ask.scenario.requests == 40 else 0.6)


@pytest.mark.parametrize("true", [1, 2, 3, 7, 20, 150, 1000])
@pytest.mark.parametrize("guess", [1, 6, 40, 400])
def test_the_fewest_units_are_found_from_any_guess(search, true, guess):
    found, asks = answered(search(guess), enough_from(true))
    assert isinstance(found, Found)
    assert found.units == true
    assert found.verdict.met and found.verification.met
    if true > 1:
        assert found.fewer is not None and not found.fewer.met
    long = [ask for ask in asks if ask.scenario.requests == 10_000]
    assert len(long) == (4 if true > 1 else 3)
    assert len(asks) < 35


def test_short_trials_that_mislead_cost_time_but_not_the_answer(search):
    def reply(ask):
        short = ask.scenario.requests == 2000
        return trial(0.99 if replicas(ask) >= (3 if short else 9) or ask.scenario.requests == 40 else 0.6)

    found, _ = answered(search(4), reply)
    assert found.units == 9
    assert found.fewer is not None and not found.fewer.met


def test_a_design_that_fails_its_verification_gives_way_to_a_larger_one(search):
    def reply(ask):
        verifies = ask.seed >= VERIFICATION_SEED
        lucky = replicas(ask) == 4 and not verifies
        return trial(0.99 if replicas(ask) >= 5 or lucky or ask.scenario.requests == 40 else 0.6)

    found, asks = answered(search(4), reply)
    assert found.units == 5
    assert [units for units, _ in found.refuted] == [4]
    assert not found.refuted[0][1].met
    seeds = [ask.seed for ask in asks if ask.seed >= VERIFICATION_SEED]
    assert len(set(seeds)) == len(seeds) == 2


def test_a_neighbour_that_its_verification_refuted_says_so_and_is_not_told_as_met(search):
    def reply(ask):
        verifies = ask.seed >= VERIFICATION_SEED
        enough = replicas(ask) >= 5 or (replicas(ask) == 4 and not verifies)
        return replace(trial(0.99 if enough or ask.scenario.requests == 40 else 0.9), seed=ask.seed)

    found, _ = answered(search(4), reply)
    assert found.units == 5 and found.fewer.met
    told = found.neighbour.to_dict()
    assert (told["units"], told["met"], told["misses"]) == (4, False, "requests")
    assert told["misses_by"] == pytest.approx(TARGET - 0.9)
    assert told["first_seeds"]["met"] and not any(one["met"] for one in told["objectives"])
    (seed,) = told["seeds"]
    expected = f"4 units met the first seeds (99 % of requests) and failed the fresh seed {seed} with 90 %"
    assert told["reason"] == expected
    candidate = Candidate("l4", found, None, None, (), 0)
    assert expected in proof_table(candidate).note


def test_a_neighbour_that_misses_in_the_search_names_the_objective(search):
    found, _ = answered(search(6), enough_from(5))
    told = found.neighbour.to_dict()
    assert (told["met"], told["misses"], told["reason"], told["first_seeds"]) == (
        False,
        "requests",
        None,
        None,
    )
    assert told["misses_by"] == pytest.approx(TARGET - 0.6)


def test_a_neighbour_that_only_its_queue_fails_misses_no_share(search):
    def reply(ask):
        few = replicas(ask) < 5 and ask.scenario.requests != 40
        return trial(0.96 if few else 0.99, overloaded=few)

    found, _ = answered(search(5), reply)
    assert found.units == 5
    assert found.neighbour.misses == ("queue", None)


def test_nothing_is_returned_that_never_passes(search):
    found, _ = answered(
        search(2, most_units=3), lambda ask: trial(0.99 if ask.seed < VERIFICATION_SEED else 0.5)
    )
    assert isinstance(found, NotFound)
    assert "verified" in found.reason


def test_replications_go_on_until_the_interval_is_clear(search):
    def reply(ask):
        near = replicas(ask) == 3
        if near:
            return trial(0.957, ask.seed + 1, scatter=0.05)
        return trial(1.0 if replicas(ask) > 3 or ask.scenario.requests == 40 else 0.5)

    _, asks = answered(search(3, requests=1000, replications=7), reply)
    of_three = [ask for ask in asks if replicas(ask) == 3 and ask.seed < VERIFICATION_SEED]
    assert 2 < len(of_three) <= 7
    assert len({ask.seed for ask in of_three}) == len(of_three)


def test_all_designs_meet_the_same_requests(search):
    _, asks = answered(search(4), enough_from(6))
    seeds = {replicas(ask): [] for ask in asks}
    for ask in asks:
        if ask.scenario.requests == 10_000 and ask.seed < VERIFICATION_SEED:
            seeds[replicas(ask)].append(ask.seed)
    assert seeds[6][0] == seeds[5][0] == 0


def test_requests_that_are_too_slow_alone_end_the_search_at_once(search):
    found, asks = answered(search(4), lambda ask: trial(0.1))
    assert isinstance(found, NotFound)
    assert "one request alone" in found.reason
    assert len(asks) == 1


def test_only_what_beats_the_best_so_far_is_looked_for(search):
    found, asks = answered(search(2, below=4), enough_from(4))
    assert isinstance(found, NotFound)
    assert max(replicas(ask) for ask in asks) == 3
    found, _ = answered(search(2, below=4), enough_from(3))
    assert found.units == 3


def test_a_bound_above_what_is_wanted_costs_no_simulation(search):
    found, asks = answered(search(guess=9, least=9, below=5), enough_from(9))
    assert isinstance(found, NotFound)
    assert asks == []


@pytest.mark.parametrize("guess", [9, 10, 12])
def test_a_miss_above_units_that_meet_does_not_end_the_search(search, guess):
    """Verdicts are noisy: ten miss by a little, nine to seven meet."""

    def reply(ask):
        enough = replicas(ask) >= 7 and replicas(ask) != 10
        return trial(0.99 if enough or ask.scenario.requests == 40 else 0.9)

    found, asks = answered(search(guess, requests=1000), reply)
    assert found.units == 7
    assert found.fewer is not None and not found.fewer.met
    if any(replicas(ask) == 10 for ask in asks):
        assert found.doubt == (7, 11)
    else:
        assert found.doubt is None


def test_an_answer_whose_neighbour_is_not_clear_says_so(search):
    def reply(ask):
        if replicas(ask) == 8:
            return trial(0.945, ask.seed + 1, scatter=0.1)
        return trial(0.99 if replicas(ask) >= 9 or ask.scenario.requests == 40 else 0.6)

    found, _ = answered(search(9, requests=1000, replications=2), reply)
    assert found.units == 9
    assert found.fewer is not None and not found.fewer.decided
    assert found.doubt == (8, 9)


def test_an_answer_beyond_doubt_says_nothing(search):
    found, _ = answered(search(6), enough_from(5))
    assert found.doubt is None
