"""Sizing for several tenants: each is held to its own objectives, as a run with `--check` holds it."""

from __future__ import annotations

import pytest

from simulator.errors import InputError
from simulator.planning.load import at_rate, rate_of
from simulator.planning.size.highest_rate import highest_rate
from simulator.planning.size.inverse_tables import bought_table, rate_table
from simulator.planning.size.size import size
from simulator.planning.size.tables import tables_of
from simulator.planning.size.trial import trial_of
from simulator.planning.size.uncertainty import drawn
from simulator.planning.size.within_budget import within_budget
from simulator.scenario.loading import load_scenario
from simulator.scenario.objectives import SloSpec
from simulator.simulation import run_scenario


def two_tenants(slo, strict, **changes):
    """Chat and drafts on L4, the latter with objectives of its own."""

    def tenant(name, **own):
        workload = {
            "arrivals": {"process": "poisson", "rate": "4 /s"},
            "prompt_tokens": {"distribution": "lognormal", "mu": 6.0, "sigma": 0.5, "max": 2000},
            "output_tokens": {"distribution": "lognormal", "mu": 4.5, "sigma": 0.5, "max": 400},
        }
        return {"name": name, "model": "llama-3.1-8b", "workload": workload, **own}

    content = {
        "name": "two tenants",
        "model": "llama-3.1-8b",
        "tenants": [tenant("chat"), tenant("drafts", **({"slo": strict} if strict else {}))],
        "cluster": {"pools": [{"name": "main", "hardware": "nvidia-l4"}]},
        "duration": "60 s",
        **({"slo": slo} if slo else {}),
    }
    return load_scenario({**content, **changes})


LENIENT = {"ttft": "20 s", "tpot": "500 ms", "attainment": 0.5}
STRICT = {"ttft": "2 s", "tpot": "60 ms", "attainment": 0.9}


def test_each_tenant_is_held_to_its_own_objectives():
    lenient = size(two_tenants(LENIENT, None), jobs=1)
    answer = size(two_tenants(LENIENT, STRICT), jobs=1)
    assert answer.best.units > lenient.best.units
    assert [one.name for one in answer.best.found.verdict.objectives] == [
        "requests of chat",
        "requests of drafts",
    ]
    assert [row[0] for row in tables_of(answer)[0].rows][:2] == ["requests of chat", "requests of drafts"]
    fewer = run_scenario(load_scenario({**answer.to_dict()["design_scenario"], **pools(lenient)}))
    assert fewer.summary.attainment.met is False


def pools(answer):
    """The cluster that was found."""
    return {"cluster": answer.to_dict()["design_scenario"]["cluster"]}


def test_the_design_runs_and_meets_them():
    written = size(two_tenants(None, STRICT), jobs=1).to_dict()["design_scenario"]
    assert "workload" not in written
    assert run_scenario(load_scenario(written)).summary.attainment.met


PERCENTILES = ({"percentiles": {"p95_tpot": "45 ms"}}, {"percentiles": {"p95_tpot": "1 min"}})


@pytest.mark.parametrize("own", [STRICT, LENIENT, *PERCENTILES])
@pytest.mark.parametrize("replicas", [1, 4])
def test_a_trial_says_what_a_check_says(own, replicas):
    main = {"name": "main", "hardware": "nvidia-l4", "replicas": replicas}
    result = run_scenario(two_tenants(LENIENT, own, cluster={"pools": [main]}))
    enough = all(one.share >= one.target for one in trial_of(result).objectives)
    assert result.summary.attainment.met is enough


@pytest.mark.parametrize(("own", "met"), [(PERCENTILES[0], False), (PERCENTILES[1], True)])
def test_objectives_of_percentiles_alone_are_judged(own, met):
    assert run_scenario(two_tenants(None, own)).summary.attainment.met is met


def test_a_tenant_none_of_whose_requests_count_is_refused():
    scenario = two_tenants(LENIENT, STRICT, warmup="5 s")
    chat, drafts = scenario.tenants
    quiet = scenario.model_copy(update={"tenants": (chat, drafts.model_copy(update={"duration": 1.0}))})
    with pytest.raises(InputError, match="no request of tenant 'drafts' counts"):
        trial_of(run_scenario(quiet))


def on_l4s(replicas, **size):
    main = {"name": "main", "hardware": "nvidia-l4", "replicas": replicas}
    return two_tenants(None, STRICT, cluster={"pools": [main]}, size={"replications": 2, **size})


def with_slo(scenario, **slos):
    """The scenario with objectives of these tenants."""
    tenants = [
        one.model_copy(update={"slo": SloSpec.model_validate(slos[one.name])}) if one.name in slos else one
        for one in scenario.tenants
    ]
    return scenario.model_copy(update={"tenants": tuple(tenants)})


def test_the_highest_rate_is_of_all_tenants_together_and_says_whose_objectives_limit_it():
    scenario = with_slo(on_l4s(4), chat=LENIENT)
    found = highest_rate(scenario, jobs=1)
    assert found.limited_by == "requests of drafts"
    assert found.factor == pytest.approx(found.rate / 8.0)
    assert found.rate < found.too_much[0]
    held = at_rate(scenario, found.rate)
    assert [one.workload.arrivals.rate for one in held.tenants] == [pytest.approx(4 * found.factor)] * 2
    assert run_scenario(held).summary.attainment.met
    assert "first to give way: requests of drafts" in rate_table(found).note
    turned = highest_rate(with_slo(on_l4s(4), chat=STRICT, drafts=LENIENT), jobs=1)
    assert turned.limited_by == "requests of chat"


def test_a_budget_buys_the_load_at_which_every_tenant_holds_its_own():
    few, many = (
        within_budget(with_slo(on_l4s(1, spare=spare), chat=LENIENT), 0.805 * 4, jobs=1)[0]
        for spare in (2, 0)
    )
    assert (few.units, many.units) == (2, 4)
    assert few.load_factor < many.load_factor
    assert many.limited_by == "requests of drafts"
    assert many.ttft_ms is None and many.attainment is None
    table = bought_table([few, many])
    assert table.header[3:] == ("times the load", "requests of all", "first to give way")
    assert table.rows[1][-1] == "requests of drafts"
    assert table.note.startswith("2 of the units spare")


def test_a_budget_for_tenants_needs_objectives_and_rates():
    with pytest.raises(InputError, match="that a budget buys needs objectives"):
        within_budget(two_tenants(None, None), 10.0, jobs=1)


def test_a_budget_too_small_for_tenants_says_what_a_unit_costs():
    (one,) = within_budget(on_l4s(1), 0.1, jobs=1)
    assert "one unit costs" in one.reason
    assert bought_table([one]).rows[0][-1] == one.reason


def test_doubts_about_step_times_make_every_tenants_objectives_stricter():
    scenario = drawn(two_tenants(None, STRICT), 2.0, 1.0)
    chat, drafts = scenario.tenants
    assert chat.slo is None and drafts.slo.ttft == pytest.approx(1.0)
    assert rate_of(scenario) == pytest.approx(16.0)


def test_somebody_must_have_objectives():
    with pytest.raises(InputError, match="sizing needs objectives"):
        size(two_tenants(None, None), jobs=1)
