"""Trials taken together: estimate, interval, decision."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.planning.size.trial import ObjectiveTrial, Trial, UntestedError, trial_of
from simulator.planning.size.verdict import hopeless, verdict_of
from simulator.simulation import run_scenario
from tests.planning.size.trials import TARGET, trial


def test_the_estimate_is_the_mean_of_the_trials():
    found = verdict_of([trial(1.0), trial(0.9)])
    assert found.objectives[0].share == pytest.approx(0.95)
    assert found.met and found.requests == 2000


def test_the_scenarios_own_seed_must_do_whatever_others_say():
    assert not verdict_of([trial(0.94), trial(1.0), trial(1.0)]).met
    assert hopeless([trial(0.94)], most=5)


def test_a_wide_interval_around_the_target_decides_nothing():
    assert not verdict_of([trial(0.95, 1, scatter=0.1)]).decided
    assert verdict_of([trial(0.5, 1, scatter=0.1)]).decided


def test_a_clear_miss_of_one_objective_decides_whatever_the_others_say():
    close = ObjectiveTrial("p99_ttft", 0.99, 0.99, tuple(np.linspace(0.98, 1.0, 20)))
    missed = ObjectiveTrial("p95_tpot", 0.95, 0.2, (0.2,) * 20)
    found = verdict_of([Trial(0, 1000, False, (close, missed))])
    assert found.decided and not found.met
    assert found.worst.name == "p95_tpot"


def test_trials_that_differ_more_than_their_batches_explain_widen_the_interval():
    alike = verdict_of([trial(0.97, seed, scatter=0.01) for seed in range(3)]).objectives[0]
    apart = verdict_of([trial(share, 1, scatter=0.01) for share in (0.99, 0.60, 0.99)]).objectives[0]
    assert alike.high - alike.low < 0.01
    assert apart.high - apart.low > 0.3


def test_the_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(200):
        trials = []
        for seed in range(2):
            batches = rng.binomial(50, 0.9, 20) / 50
            objective = ObjectiveTrial("requests", TARGET, float(batches.mean()), tuple(batches))
            trials.append(Trial(seed, 1000, False, (objective,)))
        one = verdict_of(trials).objectives[0]
        held += one.low <= 0.9 <= one.high
    assert 180 <= held <= 199


def test_a_queue_that_grows_in_most_trials_is_no_answer():
    assert not verdict_of([trial(1.0, overloaded=True)]).met
    assert verdict_of([trial(1.0), trial(1.0, overloaded=True)]).met


def test_a_design_is_given_up_when_perfect_trials_could_not_save_it():
    assert hopeless([trial(0.5)], most=5)
    assert hopeless([trial(0.96), trial(0.6)], most=2)
    assert not hopeless([trial(0.96), trial(0.6)], most=9)
    assert hopeless([trial(1.0, overloaded=True)] * 3, most=5)


def test_a_trial_without_objectives_shows_nothing():
    nothing = Trial(0, 0, False, ())
    assert not nothing.met and not verdict_of([nothing]).met
    assert hopeless([nothing], most=5)


def test_a_trial_in_which_nothing_is_measured_is_refused(chat):
    with pytest.raises(UntestedError, match="after the warm-up of 10"):
        trial_of(run_scenario(chat(warmup="10 min")))


def test_a_simulated_trial_counts_every_objective(chat):
    slo = {"ttft": "2 s", "attainment": 0.9, "percentiles": {"p99_ttft": "1 ms", "p95_tpot": "100 ms"}}
    found = trial_of(run_scenario(chat(slo=slo)))
    assert [one.name for one in found.objectives] == ["requests", "p99_ttft", "p95_tpot"]
    assert [one.share for one in found.objectives] == [1.0, 0.0, 1.0]
    assert found.margin == pytest.approx(-0.99)
    assert not found.met
