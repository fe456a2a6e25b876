"""One scenario on many kinds of hardware at equal service level."""

from __future__ import annotations

from itertools import pairwise

import pytest

from simulator.errors import InputError
from simulator.hardware.catalogue import load_device
from simulator.models.catalogue import load_model
from simulator.planning.capacity import carries
from simulator.planning.compare_hardware import Contender, compare_hardware, entrants_of
from simulator.planning.comparisons import compare_contenders, compare_results
from simulator.planning.crossover import CostCurve, cost_curve, crossovers, loads
from simulator.planning.layouts import layout_choices
from simulator.planning.lengths import Lengths
from simulator.planning.size.size import size
from simulator.scenario.compare import EntrantSpec
from simulator.simulation import run_scenario

LENGTHS = Lengths(mean=1000, longest=4000)


def entrants(*names: str) -> list[EntrantSpec]:
    return [EntrantSpec(hardware=name) for name in names]


@pytest.fixture(scope="module")
def contenders(request):
    from simulator.scenario.loading import load_scenario

    scenario = load_scenario("hardware-bakeoff", {"requests": 300, "workload.arrivals.rate": "8 /s"})
    names = ("nvidia-h100-sxm", "nvidia-l4", "groq-lpu-v1", "etched-sohu", "apple-m4-max")
    return dict(zip(names, compare_hardware(scenario, entrants_of(scenario, names), jobs=1), strict=True))


@pytest.mark.slow
def test_every_contender_meets_the_objectives_or_says_why_not(contenders):
    for one in contenders.values():
        assert (one.result is None) == (one.refusal is not None)
        if one.result is not None:
            assert carries(one.result)


@pytest.mark.slow
def test_hardware_that_is_too_slow_or_unpublished_is_refused_with_the_reason(contenders):
    assert "p99 TTFT" in contenders["apple-m4-max"].refusal
    assert "no published bandwidth" in contenders["etched-sohu"].refusal


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


def test_a_contender_has_the_replicas_that_a_sizing_of_its_layout_finds(chat):
    scenario = chat(rate=6.0, requests=400, hardware="nvidia-l4")
    (one,) = compare_hardware(scenario, entrants("nvidia-l4"), jobs=1)
    assert carries(one.result)
    layout = {"tensor": one.layout.tensor, "pipeline": one.layout.pipeline}
    asked = chat(rate=6.0, requests=400, hardware="nvidia-l4", size={"parallelism": [layout]})
    found = size(asked, jobs=1).best.found
    assert one.result.context.pools[0].replicas == found.units
    assert found.fewer is not None and not found.fewer.met


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


def curve(name: str, rate: float, usd: float) -> CostCurve:
    return CostCurve(name, name, rate, usd, output_tokens=100)


def test_the_small_machine_is_cheapest_at_little_load_and_the_large_one_at_much():
    small, large = curve("small", 1.0, 1.0), curve("large", 10.0, 5.0)
    found = crossovers([small, large], [0.5 * 1.01**step for step in range(600)])
    assert (found[0].before, found[0].after) == ("small", "large")
    assert found[0].rate == pytest.approx(5.0, rel=0.02)


def test_a_cost_curve_is_a_staircase_of_whole_replicas():
    small = curve("small", 2.0, 3.0)
    assert [small.per_hour(rate) for rate in (0.1, 2.0, 2.1, 4.1)] == [3.0, 3.0, 6.0, 9.0]
    assert small.per_million_output_tokens(2.0) == pytest.approx(3.0 / (3600 * 2 * 100) * 1e6)


def test_loads_lie_around_the_scenarios_own():
    rates = loads(10.0)
    assert rates[0] < 1.0 < 10.0 < 1000.0 < rates[-1]


@pytest.mark.slow
def test_hardware_without_a_price_has_no_curve(contenders):
    assert cost_curve(contenders["apple-m4-max"]) is None
    assert cost_curve(contenders["nvidia-h100-sxm"]) is not None


def test_hardware_without_a_price_is_named_beside_the_costs(chat):
    layout = layout_choices(
        load_model("llama-3.1-8b"), load_device("nvidia-l4"), LENGTHS, 256, "auto", "auto"
    )[0]
    served = [
        Contender(name, name, layout, 8.0, run_scenario(chat(hardware=name, prices={"tier": "spot"})))
        for name in ("nvidia-l4", "nvidia-h100-sxm")
    ]
    first = compare_contenders(served, 4.0, "two").tables[0]
    assert first.note == "no price is known of nvidia-l4: left out of every ranking by cost"


def test_a_contender_that_is_always_cheapest_leaves_no_empty_table(chat):
    layout = layout_choices(
        load_model("llama-3.1-8b"), load_device("nvidia-h100-sxm"), LENGTHS, 256, "auto", "auto"
    )[0]
    result = run_scenario(chat(hardware="nvidia-h100-sxm"))
    alone = Contender("nvidia-h100-sxm", "H100", layout, 5.0, result)
    comparison = compare_contenders([alone], 2.0, "alone")
    assert "cost_over_load" in comparison.figures
    assert all(table.rows for table in comparison.tables)
    assert "one replica carries at most" in comparison.tables[1].header


def test_designs_are_compared_with_paired_differences(chat):
    results = [run_scenario(chat(hardware=name)) for name in ("nvidia-h100-sxm", "nvidia-l4")]
    comparison = compare_results(results)
    (table,) = comparison.tables
    assert table.title.startswith("Difference to chat on nvidia-h100-sxm")
    assert table.rows[0][1].startswith("+")


@pytest.mark.parametrize(
    ("expected", "needed", "best"),
    [
        ({4: 3, 8: 1}, {4: 3, 8: 2}, (4, 3)),  # one of 8 chips was expected to do, but does not
        ({4: 5, 8: 2}, {4: 3, 8: 2}, (4, 3)),  # several share the load better than one carries its part
        ({4: 2, 8: 1}, {4: 2, 8: 1}, (4, 2)),
        ({4: 9, 8: 2}, {8: 2}, (8, 2)),
    ],
)
def test_the_layout_is_chosen_by_what_carries_the_whole_load(monkeypatch, expected, needed, best):
    from types import SimpleNamespace

    from simulator.planning import compare_hardware as room
    from simulator.planning.layouts import LayoutChoice

    search = room._LayoutSearch(None, None, None, 1.0)

    def estimated(layout):
        search.alone = object()
        return room._Candidate(layout, 1.0, layout, expected[layout.devices])

    monkeypatch.setattr(search, "_estimate", estimated)
    monkeypatch.setattr(
        room, "_fewest_replicas", lambda layout, guess: SimpleNamespace(units=needed[layout.devices])
    )
    found = search.fewest_chips([LayoutChoice(4, 1, 8), LayoutChoice(8, 1, 8)])
    assert (found.layout.devices, found.units) == best
