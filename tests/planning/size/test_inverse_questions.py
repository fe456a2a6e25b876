"""The highest rate that a cluster holds, and the objectives that a budget buys."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.planning.lengths import demand_of
from simulator.planning.load import at_rate
from simulator.planning.size.bound import estimate
from simulator.planning.size.families import families_of
from simulator.planning.size.highest_rate import RESOLUTION, highest_rate
from simulator.planning.size.inverse_tables import bought_table, rate_table
from simulator.planning.size.rules import rules_of
from simulator.planning.size.trial import Ask, run_trial
from simulator.planning.size.within_budget import tightest, within_budget
from simulator.results.latencies import latencies_of
from simulator.scenario.compare import EntrantSpec
from simulator.simulation import run_scenario


def test_the_highest_rate_is_held_and_the_next_is_not(chat):
    scenario = chat(hardware="nvidia-l4", requests=800, size={"replications": 2})
    found = highest_rate(scenario, jobs=1)
    assert found.verdict.met and found.verification.met and not found.too_much[1].met
    assert found.rate < found.too_much[0] <= found.rate * RESOLUTION**4
    assert run_trial(Ask(at_rate(scenario, found.rate), scenario.seed)).met
    assert found.to_dict()["solved"]
    assert rate_table(found).rows[-1][0] == "queue grows"


def test_a_highest_rate_of_which_nothing_is_measured_is_refused(chat):
    """All requests have come before the warm-up is over, at every rate that is tried."""
    with pytest.raises(InputError, match="shorten the warm-up, or ask for more requests"):
        highest_rate(chat(hardware="nvidia-l4", warmup="10 min"), jobs=1)


def test_a_cluster_too_slow_for_one_request_holds_nothing(chat):
    found = highest_rate(chat(hardware="nvidia-l4", slo={"tpot": "10 ms"}), jobs=1)
    assert found.rate is None
    assert "one request alone" in found.reason


def test_a_highest_rate_needs_objectives(chat):
    with pytest.raises(InputError, match="needs objectives"):
        highest_rate(chat(slo={}), jobs=1)


def test_the_tightest_thresholds_are_met_together_and_no_tighter_ones(chat):
    result = run_scenario(chat(hardware="nvidia-l4", requests=500))
    thresholds = tightest(result, 0.9)
    latencies = latencies_of(result.recording.requests)
    columns = [np.nan_to_num(getattr(latencies, name)) for name in ("ttft", "tpot", "e2e")]

    def share(factor: float) -> float:
        pairs = zip(columns, thresholds, strict=True)
        return float(np.mean(np.all([column <= factor * limit for column, limit in pairs], axis=0)))

    assert share(1.0) >= 0.9
    assert share(0.98) < 0.9


def test_a_budget_buys_units_and_their_latencies(chat):
    entrants = [EntrantSpec(hardware=name) for name in ("nvidia-l4", "nvidia-h100-sxm", "groq-lpu-v1")]
    pool = {"name": "main", "hardware": "nvidia-h100-sxm", "parallelism": {"tensor": 1}}
    scenario = chat(rate=2.0, cluster={"pools": [pool]})
    bought = {one.hardware: one for one in within_budget(scenario, 3.0, entrants, jobs=1)}
    gpu = bought["nvidia-h100-sxm"]
    assert gpu.units == 1 and gpu.usd_per_hour <= 3.0
    assert gpu.ttft_ms < gpu.e2e_ms
    assert bought["groq-lpu-v1"].reason == "no price is known"
    table = bought_table(list(bought.values()))
    assert len(table.rows) == len(bought)


def test_a_budget_pays_for_the_electricity_of_owned_hardware_too(chat):
    """Where power is dear the purchase alone would fit twice as many."""
    pool = {"name": "main", "hardware": "nvidia-l4", "purchase": 2500.0}
    prices = {"own": {}, "electricity": "2 USD/kWh"}
    scenario = chat(rate=1.0, cluster={"pools": [pool]}, prices=prices)
    ((family,), _) = families_of(scenario)
    budget = 4.5 * estimate(family, demand_of(scenario)).usd_per_hour.mid
    (one,) = within_budget(scenario, budget, jobs=1)
    assert 1 <= one.units < 4
    assert one.reason is None and one.usd_per_hour <= budget
    for seed in (scenario.seed, rules_of(scenario).fresh_seed(0)):
        more = run_scenario(family.with_units(one.units + 1), seed=seed).summary.cost.per_hour_usd
        assert more > budget


def test_spares_that_a_budget_pays_for_draw_what_they_do_at_rest(chat):
    pool = {"name": "main", "hardware": "nvidia-l4", "purchase": 2500.0}
    prices = {"own": {}, "electricity": "2 USD/kWh"}
    scenario = chat(rate=1.0, cluster={"pools": [pool]}, prices=prices, size={"spare": 1})
    ((family,), _) = families_of(scenario)
    found = estimate(family, demand_of(scenario))
    (one,) = within_budget(scenario, 10.0 * found.usd_per_hour.mid, jobs=1)
    seeds = (scenario.seed, rules_of(scenario).fresh_seed(0))
    runs = [run_scenario(family.with_units(one.units), seed=seed) for seed in seeds]
    working = max(run.summary.cost.per_hour_usd for run in runs)
    (about,) = runs[0].context.pools
    at_rest = found.usd_per_hour.mid + about.idle_w * runs[0].context.site.pue.mid / 1000 * 2
    assert one.usd_per_hour == pytest.approx(working + at_rest)
    assert at_rest < working / one.units


def test_spares_that_a_budget_pays_for_are_said(chat):
    scenario = chat(rate=2.0, hardware="nvidia-l4", size={"spare": 1})
    (one,) = within_budget(scenario, 4 * 0.805, jobs=1)
    told = one.to_dict()
    assert (told["units"], told["spare"], told["units_with_spare"]) == (3, 1, 4)
    assert told["usd_per_hour"] == pytest.approx(4 * 0.805)
    table = bought_table([one])
    assert table.rows[0][table.header.index("units")] == "4"
    assert table.note.startswith("1 of the units spare, paid for and not counted on")


def test_a_cluster_that_nothing_is_too_much_for_holds_at_least_what_was_tried(chat):
    """Forty requests at once are served within a minute: a highest rate has no meaning."""
    scenario = chat(requests=40, slo={"e2e": "60 s", "attainment": 0.9})
    found = highest_rate(scenario, jobs=1)
    assert found.rate >= 40 and found.too_much is None
    assert found.to_dict()["too_much"] is None
    assert "no rate was too much" in rate_table(found).note
