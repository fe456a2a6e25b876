"""One scenario on many kinds of hardware at equal service level."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from simulator.errors import InputError
from simulator.hardware.catalogue import load_device
from simulator.models.catalogue import load_model
from simulator.planning.capacity import carries
from simulator.planning.compare_hardware import compare_hardware, entrants_of
from simulator.planning.comparisons import _unheld, compare_contenders, compare_results
from simulator.planning.crossover import CostCurve, cheapest_spans, cost_curve, crossovers, loads
from simulator.planning.layouts import layout_choices
from simulator.planning.lengths import Lengths
from simulator.planning.load import rate_of
from simulator.planning.size.families import families_of
from simulator.planning.size.size import size
from simulator.scenario.compare import EntrantSpec
from simulator.scenario.loading import load_scenario
from simulator.simulation import run_scenario

LENGTHS = Lengths(mean=1000, longest=4000)


def entrants(*names: str) -> list[EntrantSpec]:
    return [EntrantSpec(hardware=name) for name in names]


@pytest.fixture(scope="module")
def contenders(request):
    scenario = load_scenario("hardware-bakeoff", {"requests": 300, "workload.arrivals.rate": "8 /s"})
    names = ("nvidia-h100-sxm", "nvidia-l4", "groq-lpu-v1", "etched-sohu", "apple-m4-max")
    return dict(zip(names, compare_hardware(scenario, entrants_of(scenario, names), jobs=1), strict=True))


@pytest.mark.slow
def test_every_contender_meets_the_objectives_or_says_why_not(contenders):
    for one in contenders.values():
        assert (one.result is None) == (one.candidate.reason is not None)
        if one.result is not None:
            assert carries(one.result)


@pytest.mark.slow
def test_hardware_that_is_too_slow_or_unpublished_is_refused_with_the_reason(contenders):
    assert "p99 TTFT" in contenders["apple-m4-max"].candidate.reason
    assert "no published bandwidth" in contenders["etched-sohu"].candidate.reason


@pytest.mark.slow
def test_all_serve_the_same_requests(contenders):
    gpu, lpu = contenders["nvidia-h100-sxm"].result, contenders["groq-lpu-v1"].result
    assert sorted(gpu.recording.requests.prompt_tokens) == sorted(lpu.recording.requests.prompt_tokens)


@pytest.mark.slow
def test_what_the_scenario_assumes_about_hardware_is_used(contenders):
    pool = contenders["groq-lpu-v1"].result.context.pools[0]
    assert pool.price.mid == 0.80
    assert contenders["groq-lpu-v1"].result.summary.energy.total_j is not None


@pytest.mark.slow
def test_the_comparison_has_tables_the_figure_and_the_refusals(contenders):
    comparison = compare_contenders(list(contenders.values()), 8.0, "bakeoff")
    titles = [table.title for table in comparison.tables]
    assert titles[:2] == ["At equal service level", "Fewest chips that meet the objectives"]
    assert "Not at this service level" in titles
    assert "cost_over_load" in comparison.figures
    assert [row[0] for row in comparison.tables[0].rows] == ["nvidia-h100-sxm", "nvidia-l4", "groq-lpu-v1"]


def test_a_comparison_without_objectives_or_with_unknown_hardware_is_refused(chat):
    with pytest.raises(InputError, match="needs objectives"):
        compare_hardware(chat(slo={}), entrants("nvidia-l4"))
    with pytest.raises(InputError, match="unknown device 'h1000'"):
        compare_hardware(chat(), entrants("h1000"))


def tenants(*rates, **changes):
    """Two kinds of requests on one cluster, the scenario without objectives of its own."""
    content = {
        "name": "tenants",
        "model": "llama-3.1-8b",
        "tenants": [
            {
                "name": name,
                "workload": {
                    "arrivals": arrivals,
                    "prompt_tokens": {"distribution": "fixed", "tokens": 400},
                    "output_tokens": {"distribution": "fixed", "tokens": tokens},
                },
                "slo": slo,
            }
            for name, arrivals, tokens, slo in (
                ("chat", rates[0], 60, {"ttft": "1 s", "tpot": "70 ms", "attainment": 0.95}),
                ("drafts", rates[1], 200, {"e2e": "1 min", "attainment": 0.8}),
            )
        ],
        "cluster": {"pools": [{"name": "main", "hardware": "nvidia-l4"}]},
        "duration": "40 s",
        "size": {"replications": 2},
    }
    return load_scenario({**content, **changes})


def poisson(rate):
    return {"process": "poisson", "rate": f"{rate} /s"}


def test_each_tenant_is_held_to_its_own_objectives():
    scenario = tenants(poisson(4), poisson(2))
    names = entrants("nvidia-h100-sxm", "nvidia-l4")
    contenders = compare_hardware(scenario, names, jobs=1)
    sized = {one.hardware: one.to_dict() for one in size(scenario, names, jobs=1).candidates}
    for one in contenders:
        assert one.candidate.to_dict() == sized[one.name]
        assert carries(one.result)
        assert (one.rate_per_unit >= 6.0) == (one.candidate.found.units == 1)
    comparison = compare_contenders(contenders, rate_of(scenario), "tenants")
    own = next(table for table in comparison.tables if table.title == "Each tenant's own objectives")
    assert [row[:2] for row in own.rows] == [("requests of chat", "95 %"), ("requests of drafts", "80 %")]
    assert own.header[2:] == ("nvidia-h100-sxm", "nvidia-l4")
    assert "cost_over_load" in comparison.figures


def test_a_tenant_in_a_closed_loop_leaves_other_loads_unsaid():
    scenario = tenants(poisson(2), {"process": "closed_loop", "concurrency": 2})
    (one,) = compare_hardware(scenario, entrants("nvidia-l4"), jobs=1)
    assert one.result is not None and one.rate_per_unit is None
    assert cheapest_spans([one], None) == {}
    comparison = compare_contenders([one], None, "tenants")
    assert not comparison.figures
    assert [table.title for table in comparison.tables][-1] == "What the prices rest on"


def test_hardware_on_which_one_tenant_alone_is_too_slow_says_whose_requests():
    scenario = tenants(poisson(2), poisson(1))
    chat, drafts = scenario.tenants
    hasty = drafts.model_copy(update={"slo": chat.slo.model_copy(update={"tpot": 0.001})})
    (one,) = compare_hardware(
        scenario.model_copy(update={"tenants": (chat, hasty)}), entrants("nvidia-l4"), jobs=1
    )
    assert "tenant 'drafts' misses the objectives with one request alone: p99 TPOT" in one.candidate.reason


@pytest.fixture
def both(chat):
    """A load that takes several L4, on two kinds of hardware, and what sizing says of it."""
    scenario = chat(rate=8.0, requests=400, hardware="nvidia-l4")
    names = entrants("nvidia-h100-sxm", "nvidia-l4")
    return scenario, compare_hardware(scenario, names, jobs=1), size(scenario, names, jobs=1)


def test_a_comparison_and_a_sizing_find_the_same_design_of_every_hardware(both):
    scenario, contenders, answer = both
    assert [one.name for one in contenders] == ["nvidia-h100-sxm", "nvidia-l4"]
    sized = {one.hardware: one.to_dict() for one in answer.candidates}
    for one in contenders:
        assert one.candidate.to_dict() == sized[one.name]
        assert carries(one.result)
        assert one.result.context.pools[0].replicas == sized[one.name]["units_with_spare"]
    assert sized["nvidia-l4"]["units"] > 1
    assert rate_of(scenario) == 8.0


def test_what_one_unit_holds_is_never_at_odds_with_how_many_are_needed(both):
    _, contenders, _ = both
    for one in contenders:
        assert (one.rate_per_unit >= 8.0) == (one.candidate.found.units == 1)
        curve = cost_curve(one, 8.0)
        assert curve.per_hour(8.0) == pytest.approx(one.candidate.usd_per_hour.mid)


def test_hardware_of_which_one_unit_alone_holds_nothing_has_no_costs_at_other_loads_and_is_named(both):
    _, (large, small), _ = both
    alone = replace(small, rate_per_unit=None)
    assert cost_curve(alone, 8.0) is None
    assert list(cheapest_spans([large, alone], 8.0)) == ["nvidia-h100-sxm"]
    held = compare_contenders([large, alone], 8.0, "two").tables[1]
    assert held.rows[1][held.header.index("one unit alone holds")] == "unknown"
    assert "one unit of nvidia-l4 alone holds" in _unheld([large, alone]) and _unheld([large, small]) == ""


def test_the_loads_that_each_is_cheapest_at_join(both):
    _, contenders, _ = both
    spans = cheapest_spans(contenders, 8.0)
    ordered = sorted((span for found in spans.values() for span in found), key=lambda span: span.start)
    assert ordered[0].start == loads(8.0)[0] and ordered[-1].end is None
    assert all(one.end == two.start for one, two in pairwise(ordered))


@pytest.mark.slow
def test_they_agree_on_a_model_that_takes_several_devices():
    """The planner's question: 10 /s of Llama-3.1-70B, at first answered with 16 H100 where 12 are enough."""
    pool = {"name": "main", "hardware": "nvidia-h100-sxm", "parallelism": {"tensor": 4}}
    scenario = load_scenario(
        {
            "workload": {"from": "azure-conv-2023", "arrivals": {"process": "poisson", "rate": "10 /s"}},
            "model": "llama-3.1-70b",
            "cluster": {"pools": [{**pool, "engine": {"max_num_seqs": 256, "max_model_len": 16384}}]},
            "slo": {"ttft": "1 s", "tpot": "60 ms", "attainment": 0.99},
            "requests": 3000,
            "warmup": "30 s",
        }
    )
    (one,) = compare_hardware(scenario, entrants("nvidia-h100-sxm"), jobs=1)
    assert one.candidate.devices == 12 == one.result.summary.to_dict()["devices"]
    assert one.candidate.to_dict() == size(scenario, entrants("nvidia-h100-sxm"), jobs=1).best.to_dict()


@pytest.mark.parametrize("device", ["nvidia-h100-sxm", "aws-inferentia2", "groq-lpu-v1", "cerebras-wse3"])
def test_layouts_are_tried_from_few_devices_to_many_and_hold_the_model(device):
    card = load_model("llama-3.1-8b")
    choices = layout_choices(card, load_device(device), LENGTHS, 256, "auto", "auto")
    assert len(set(choices)) == len(choices) >= 1
    assert all(one.devices <= two.devices for one, two in pairwise(choices))


def test_compiled_shapes_are_tried_with_few_seats():
    choices = layout_choices(
        load_model("llama-3.1-8b"), load_device("aws-inferentia2"), LENGTHS, 256, "auto", "auto"
    )
    assert {choice.seats for choice in choices} == {8, 16, 32}


def curve(
    name: str, alone: float, usd: float, rate: float = 1e-9, units: int = 1, spare: float = 0.0
) -> CostCurve:
    return CostCurve(name, alone, rate, units, usd, output_tokens=100, spare_usd=spare)


def test_the_small_machine_is_cheapest_at_little_load_and_the_large_one_at_much():
    small, large = curve("small", 1.0, 1.0), curve("large", 10.0, 5.0)
    found = crossovers([small, large], [0.5 * 1.01**step for step in range(600)])
    assert (found[0].before, found[0].after) == ("small", "large")
    assert found[0].rate == pytest.approx(5.0, rel=0.02)


def test_a_cost_curve_is_a_staircase_of_whole_units():
    small = curve("small", 2.0, 3.0)
    assert [small.per_hour(rate) for rate in (0.1, 2.0, 2.1, 4.1)] == [3.0, 3.0, 6.0, 9.0]
    assert small.per_million_output_tokens(2.0) == pytest.approx(3.0 / (3600 * 2 * 100) * 1e6)


def test_the_staircase_meets_what_was_simulated_at_the_scenarios_own_load():
    """Three share 12 /s though one alone holds 2.5 /s; 6 /s take two though one alone holds 5.9 /s."""
    sharing = curve("sharing", 2.5, 1.0, rate=12.0, units=3, spare=0.75)
    assert [sharing.per_hour(rate) for rate in (2.0, 5.1, 11.9, 12.0, 12.1, 24.0)] == [
        units + 0.75 for units in (1, 3, 3, 3, 4, 6)
    ]
    close = curve("close", 5.9, 1.0, rate=6.0, units=2)
    assert [close.per_hour(rate) for rate in (5.8, 6.0, 11.7, 11.9)] == [1, 2, 2, 3]


def test_loads_lie_around_the_scenarios_own():
    rates = loads(10.0)
    assert rates[0] < 1.0 < 10.0 < 1000.0 < rates[-1]


@pytest.mark.slow
def test_hardware_without_a_price_has_no_curve(contenders):
    assert cost_curve(contenders["apple-m4-max"], 8.0) is None
    assert cost_curve(contenders["nvidia-h100-sxm"], 8.0) is not None


def test_hardware_without_a_price_is_named_beside_the_costs(chat):
    scenario = chat(rate=1.0, prices={"tier": "spot"})
    served = compare_hardware(scenario, entrants("nvidia-l4", "nvidia-h100-sxm"), jobs=1)
    first = compare_contenders(served, 1.0, "two").tables[0]
    assert first.note.startswith("no price is known of nvidia-l4: left out of every ranking by cost")


def test_a_contender_that_is_always_cheapest_leaves_no_empty_table(chat):
    scenario = chat(rate=2.0)
    comparison = compare_contenders(compare_hardware(scenario, entrants("h100"), jobs=1), 2.0, "alone")
    assert "cost_over_load" in comparison.figures
    assert all(table.rows for table in comparison.tables)
    assert "one unit alone holds" in comparison.tables[1].header


def test_prices_of_different_kinds_are_said_beside_the_ranking(chat):
    hardware = [EntrantSpec(hardware="nvidia-h100-sxm"), EntrantSpec(hardware="aws-trainium2")]
    scenario = chat(rate=1.0, requests=100)
    contenders = compare_hardware(scenario, hardware, jobs=1)
    ranking, _, prices = compare_contenders(contenders, 1.0, "two").tables[:3]
    assert "aws-trainium2: 1 row, capacity-block, 2025, unverified" in ranking.note
    assert prices.rows[0][2] != "1" and prices.rows[0][4] == "yes"
    assert prices.rows[1] == ("aws-trainium2", "capacity-block", "1", "2025", "no")
    kind = contenders[1].candidate.to_dict()["prices"][0]
    assert (kind["kind"], kind["rows"][0]["rows"], kind["rows"][0]["unverified"]) == ("rent", 1, 1)


def test_one_device_at_two_prices_is_two_rows_that_can_be_told_apart(chat):
    listed = [{"hardware": "nvidia-l4", "price": f"{usd} USD/hour"} for usd in (4, 2)]
    scenario = chat(rate=1.0, compare={"hardware": listed}, size={"hardware": listed})
    names = ["nvidia-l4 (4 USD/h)", "nvidia-l4 (2 USD/h)"]
    contenders = compare_hardware(scenario, entrants_of(scenario), jobs=1)
    assert [one.name for one in contenders] == names
    assert entrants_of(scenario, ["l4"]) == entrants_of(scenario)
    answer = size(scenario, jobs=1)
    assert [one.hardware for one in answer.candidates] == names[::-1]
    assert answer.best.usd_per_hour.mid == pytest.approx(2.0 * answer.best.devices)


def test_a_draw_without_hosts_is_marked_beside_one_with_them(chat):
    listed = [
        {"hardware": "groq-lpu-v1", "power": {"idle": "108 W"}, "price": "1 USD/hour"},
        {"hardware": "nvidia-h100-sxm"},
    ]
    scenario = chat(rate=1.0, prices={"region": "Virginia"}, compare={"hardware": listed})
    contenders = compare_hardware(scenario, entrants_of(scenario), jobs=1)
    ranking = compare_contenders(contenders, 1.0, "two").tables[0]
    draw = ranking.header.index("draw of the site")
    assert [row[draw].endswith("without hosts") for row in ranking.rows] == [True, False]
    assert "the draw of the hosts of Groq LPU v1" in ranking.note
    told = [one.candidate.to_dict()["facility_power_leaves_out_hosts_of"] for one in contenders]
    assert len(told[0]) == 1 and told[1] == []


def test_a_pool_that_says_no_layout_is_laid_out_as_any_other_hardware(chat):
    """One that says it keeps it, as does one whose step times were measured in it."""
    pool = {"name": "main", "hardware": "nvidia-l4"}
    steps = {"backend": "linear", "base_ns": 5_000_000}
    for said, free in (({}, True), ({"parallelism": {"tensor": 2}}, False), ({"latency": steps}, False)):
        families, _ = families_of(chat(cluster={"pools": [{**pool, **said}]}), entrants("nvidia-l4"))
        assert (len(families) > 1) == free


def test_designs_are_compared_with_paired_differences(chat):
    results = [run_scenario(chat(hardware=name)) for name in ("nvidia-h100-sxm", "nvidia-l4")]
    comparison = compare_results(results)
    (table,) = comparison.tables
    assert table.title.startswith("Difference to chat on nvidia-h100-sxm")
    assert table.rows[0][1].startswith("+")
