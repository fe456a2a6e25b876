"""The frontier: designs, fronts, and the cheapest that suffices."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from simulator.cli.main import main
from simulator.planning.frontier.designs import designs_of
from simulator.planning.frontier.tables import answer, figures_of, front_tables, tables_of
from simulator.planning.frontier.weigh import cheapest, front, standing, undecided, weigh
from simulator.reasoning.quality.laws import no_law_of
from simulator.reporting import numbers as show
from simulator.scenario.frontier import FrontierSpec
from simulator.scenario.loading import load_scenario

SEVEN_B = "deepseek-r1-distill-qwen-7b"
SMALL = {
    "workload.thinking.tokens": {"distribution": "fixed", "tokens": 400},
    "requests": 8,
    "workload.arrivals.concurrency": 4,
}
ASKED = FrontierSpec.model_validate(
    {
        "models": [SEVEN_B, {"card": "qwen2.5-7b", "thinking": 0.5}],
        "strategies": ["chain", {"kind": "majority_vote", "samples": 8}, {"kind": "beam_search", "beams": 4}],
        "target": 0.6,
    }
)


@pytest.fixture(scope="module")
def found():
    scenario = load_scenario("reasoning-frontier", SMALL)
    return weigh(designs_of(scenario, ASKED), target=0.6, jobs=1)


def by(found, model, strategy):
    (one,) = (one for one in found.designs if (one.model, one.strategy) == (model, strategy))
    return one


def test_every_combination_has_its_figures(found):
    assert len(found.designs) == 6
    for one in found.designs:
        assert one.refusal is None
        assert one.cost_per_task_usd > 0 and one.energy_per_task_j > 0 and one.p50_task_latency_s > 0


def test_accuracy_is_only_where_a_published_figure_applies(found):
    assert by(found, SEVEN_B, "chain").accuracy == pytest.approx(0.555)
    assert by(found, SEVEN_B, "majority_vote").accuracy > 0.6
    assert by(found, SEVEN_B, "beam_search").accuracy is None
    assert all(one.accuracy is None for one in found.designs if one.model == "qwen2.5-7b")
    for one in found.designs:
        assert (one.accuracy is None) == (one.accuracy_basis is None) == (one.accuracy_unknown is not None)


def test_what_accuracies_rest_on_is_said_once_for_each_model_and_each_strategy(found):
    chain, vote = by(found, SEVEN_B, "chain"), by(found, SEVEN_B, "majority_vote")
    assert chain.accuracy_of_single == vote.accuracy_of_single == chain.accuracy_basis
    assert vote.accuracy_basis == f"{chain.accuracy_basis}; {vote.accuracy_law}"
    note = tables_of(found)[0].note
    assert note.startswith(f"Accuracy: {chain.accuracy_basis}. majority vote: {vote.accuracy_law}. Layouts")
    assert note.count("of single answers right") == 1


def test_designs_without_an_accuracy_are_listed_with_what_they_cost_and_why(found):
    front, unjudged = front_tables(found)
    assert len(front.rows) == 2 and len(unjudged.rows) == 4
    beam = by(found, SEVEN_B, "beam_search")
    assert [beam.name, show.dollars(beam.cost_per_task_usd)] in [list(row[:2]) for row in unjudged.rows]
    assert "from single answers to those of a tree search (beam search of 4" in unjudged.note
    assert "no accuracy of single answers is given for qwen2.5-7b" in unjudged.note
    assert [table.title for table in tables_of(found)] == ["Designs", unjudged.title]


def test_a_target_within_the_interval_of_a_cheaper_design_is_undecided(found):
    vote = by(found, SEVEN_B, "majority_vote")
    drawn = replace(
        vote, label="drawn", accuracy_low=0.59, accuracy=0.605, accuracy_high=0.62, cost_per_task_usd=1e-9
    )
    designs = [*found.designs, drawn]
    best = cheapest(designs, 0.6, None)
    assert best is vote and undecided(designs, 0.6, None, best) == [drawn]
    told = replace(found, designs=designs, undecided=[drawn])
    assert f"Undecided, for the target lies within the interval of what was drawn: {drawn.name}" in answer(
        told
    )
    assert "60.5 % (59.00 to 62.00 %)" in answer(told)
    assert told.to_dict()["undecided"] == [drawn.name]
    assert "No design surely gives 60 % right" in answer(replace(told, cheapest=None))
    assert undecided(designs, 0.58, None, cheapest(designs, 0.58, None)) == []
    assert undecided(designs, 0.6, 1e-10, None) == []


def test_less_than_a_problem_of_the_set_from_the_target_is_a_close_call(found):
    vote, chain = by(found, SEVEN_B, "majority_vote"), by(found, SEVEN_B, "chain")
    assert {vote.task_set_problems, chain.task_set_problems} == {30}
    assert by(found, SEVEN_B, "beam_search").task_set_problems is None

    dearer = replace(vote, label="dearer", cost_per_task_usd=vote.cost_per_task_usd * 2)
    surer = replace(vote, label="surer", accuracy=0.99, accuracy_low=0.99, cost_per_task_usd=1e3)
    designs = [*found.designs, dearer, surer]

    def asked(target):
        return replace(found, designs=designs, target=target, cheapest=cheapest(designs, target, None))

    near = asked(vote.accuracy - 0.01)
    assert near.cheapest is vote and near.only_just
    assert near.runner_up is surer
    assert near.close_calls == [surer] and near.to_dict()["close_calls"] == [surer.name]
    told = answer(near).partition("A close call: ")[2]
    assert told.startswith(
        "the published figures rest on 30 problems, one of which is 3.3 points; the answer is"
    )
    assert surer.name in told and vote.name not in told
    missed = asked(chain.accuracy + 0.01)
    assert missed.cheapest is vote and missed.close_calls == [chain] and not missed.only_just
    assert f"cheaper, and less than that from the target, is {chain.name}" in answer(missed)
    assert asked(0.6).close_calls == [] and "close call" not in answer(asked(0.6))
    assert replace(found, target=None).close_calls == []
    assert asked(vote.accuracy + 0.01).close_calls == [vote]


def test_an_answer_that_only_just_reaches_the_target_and_has_no_surer_one_says_so(found):
    vote = by(found, SEVEN_B, "majority_vote")
    alone = replace(found, designs=[vote], cheapest=vote, target=vote.accuracy - 0.01)
    assert alone.runner_up is None
    assert "not that far above the target, no other design is" in answer(alone)


def test_designs_that_serve_less_than_they_were_asked_to_stand_on_no_front(found):
    chain, vote = by(found, SEVEN_B, "chain"), by(found, SEVEN_B, "majority_vote")
    queueing, late = replace(chain, overloaded=True), replace(chain, label="late", slo_met=False)

    def weighed(*designs, target):
        kept = standing(designs)
        fronts = {key: front(kept, key) for key in found.fronts}
        return replace(
            found, designs=designs, fronts=fronts, target=target, cheapest=cheapest(kept, target, None)
        )

    both = weighed(queueing, late, vote, target=0.5)
    assert both.cheapest is vote and both.fronts["cost_per_task_usd"] == [vote]
    assert both.left_out == [queueing, late] and both.to_dict()["left_out"] == [queueing.name, late.name]
    assert "2 designs are left out: overloaded, or short of the objectives." in answer(both)
    assert "2 designs are left out" in answer(replace(both, target=None))
    marks = {row[0]: row[5] for row in tables_of(both)[0].rows}
    assert marks[queueing.name] == "none: overloaded" and marks[late.name] == "none: misses the objectives"
    surer = replace(vote, label="surer", accuracy=0.99, accuracy_low=0.99, overloaded=True)
    assert weighed(vote, surer, target=vote.accuracy - 0.01).runner_up is None

    all_short = weighed(queueing, late, target=0.5)
    assert all_short.cheapest is queueing and all_short.left_out == []
    assert "Every design of known accuracy is overloaded or misses the objectives." in answer(all_short)
    assert found.left_out == [] and not found.all_fall_short and "left out" not in answer(found)


def test_a_queue_that_grows_is_seen_in_the_designs_that_are_simulated():
    """Twelve tasks a second are too many for 64 samples, voted on or verified, and few for single chains."""
    busy = {**SMALL, "workload.arrivals": {"process": "poisson", "rate": "12 /s"}, "requests": 200}
    del busy["workload.arrivals.concurrency"]
    scenario = load_scenario("reasoning-frontier", busy)
    strategies = ["chain", *({"kind": kind, "samples": 64} for kind in ("majority_vote", "best_of_n"))]
    asked = FrontierSpec.model_validate({"models": [SEVEN_B], "strategies": strategies})
    found = weigh(designs_of(scenario, asked), target=0.6, jobs=1)
    assert [one.overloaded for one in found.designs] == [False, True, True]
    assert found.cheapest is None and len(found.left_out) == 2


def test_accuracies_that_tables_show_as_one_are_one():
    """A vote that stops early is no worse a choice for a hundred-thousandth of a point."""
    scenario = load_scenario("reasoning-frontier", SMALL)
    votes = [{"kind": "majority_vote", "samples": 16, **more} for more in ({}, {"early_stop": 0.8})]
    asked = FrontierSpec.model_validate({"models": [SEVEN_B], "strategies": votes})
    found = weigh(designs_of(scenario, asked), budget=1.0, jobs=1)
    whole, early = found.designs
    assert early.accuracy < whole.accuracy and early.cost_per_task_usd < whole.cost_per_task_usd
    assert found.cheapest is early and found.fronts["cost_per_task_usd"] == [early]


@pytest.mark.parametrize(
    ("strategy", "why"),
    [
        ({"kind": "chain", "budget": 9}, "`simulator run` has the accuracy"),
        ({"kind": "majority_vote", "samples": 4, "budget": 9}, "`simulator run` has the accuracy"),
        ({"kind": "chain", "extend": 2}, "drawn out"),
        ({"kind": "mcts"}, "tree search"),
        ({"kind": "cascade", "small": "a", "large": "b"}, "a cascade or a router"),
    ],
    ids=str,
)
def test_every_reason_for_no_accuracy_is_given(strategy, why):
    (read,) = FrontierSpec.model_validate({"strategies": [strategy]}).strategies
    assert why in no_law_of(read)


def test_a_model_that_thinks_half_as_long_writes_fewer_tokens(found):
    half, full = by(found, "qwen2.5-7b", "chain"), by(found, SEVEN_B, "chain")
    assert full.output_tokens_per_task - half.output_tokens_per_task == pytest.approx(200)


def test_the_cheapest_reaches_the_target(found):
    assert found.cheapest is by(found, SEVEN_B, "majority_vote")
    assert "Cheapest for 60 % right" in answer(found)
    assert cheapest(found.designs, 0.99, None) is None
    assert cheapest(found.designs, None, 1e-9) is None
    assert cheapest(found.designs, None, 1.0).accuracy == max(one.accuracy or 0 for one in found.designs)


def test_hardware_without_a_price_is_named_beside_the_cheapest(found):
    assert found.unpriced == [] and "with a price" not in answer(found)
    free = replace(found.designs[0], hardware="acme-x1", cost_per_task_usd=None)
    mixed = replace(found, designs=[*found.designs, free])
    assert "Of those with a price; none is known of acme-x1." in answer(mixed)
    assert mixed.to_dict()["unpriced"] == ["acme-x1"]
    unanswered = replace(found.designs[0], cost_per_task_usd=None)
    assert replace(found, designs=[*found.designs, unanswered]).unpriced == []


def test_costs_of_machines_that_wait_for_an_open_loop_are_told_apart(found):
    rarely = {**SMALL, "workload.arrivals": {"process": "poisson", "rate": "0.1 /s"}}
    del rarely["workload.arrivals.concurrency"]
    chain = FrontierSpec.model_validate({"strategies": ["chain"]})
    idle = weigh(designs_of(load_scenario("reasoning-frontier", rarely), chain), jobs=1)
    assert "their rate sets it and not the strategy" in tables_of(idle)[0].note


def test_costs_of_machines_with_room_left_in_a_closed_loop_are_told_apart(found):
    chain = by(found, SEVEN_B, "chain").idle_machines
    assert "main had 3.49 of 256 seats and 0.27 % of its KV cache" in chain
    assert "raise workload.arrivals.concurrency" in chain
    assert f"In 6 of 6 designs: {found.designs[0].idle_machines}" in tables_of(found)[0].note
    assert "a fuller load may choose another" in answer(found)
    full = replace(found, designs=[replace(one, idle_machines=None) for one in found.designs])
    assert "seats" not in tables_of(full)[0].note and "fuller" not in answer(full)
    some = replace(full, designs=[found.designs[0], *full.designs[1:]])
    assert f"In 1 of 6 designs ({found.designs[0].name}); of the first: Cost per" in tables_of(some)[0].note


def test_nobody_on_the_front_is_beaten(found):
    line = front(found.designs, "cost_per_task_usd")
    assert [one.accuracy for one in line] == sorted(one.accuracy for one in line)
    assert line == found.fronts["cost_per_task_usd"]


def test_the_answer_has_tables_and_a_figure_for_each_quantity(found):
    assert set(figures_of(found)) == {"cost_per_task_usd", "p50_task_latency_s", "energy_per_task_j"}
    assert len(tables_of(found)[0].rows) == 6
    assert len(front_tables(found)[0].rows) == 2


def test_the_layout_that_was_used_is_named(found):
    assert {one.layout for one in found.designs} == {"tensor 1"}
    hardware = found.designs[0].hardware
    assert f"{SEVEN_B} on {hardware}: tensor 1" in front_tables(found)[0].note


def test_without_a_target_the_answer_says_where_the_fronts_are(found):
    told = answer(replace(found, target=None))
    column = "on the front of"
    assert column in told and column in tables_of(found)[0].header and column in front_tables(found)[0].header


def test_a_model_that_fits_nowhere_says_so():
    scenario = load_scenario("reasoning-frontier", SMALL)
    asked = FrontierSpec.model_validate(
        {"models": ["llama-3.1-405b"], "hardware": ["apple-a18-pro"], "strategies": ["chain"]}
    )
    found = weigh(designs_of(scenario, asked), jobs=1)
    (one,) = found.designs
    assert one.refusal is not None and "fits no number of" in one.refusal
    assert tables_of(found)[1].title == "Not possible"


def test_the_command_prints_json_and_says_no_with_its_exit_code(capsys, tmp_path):
    short = [f"--set={key}={json.dumps(value)}" for key, value in SMALL.items()]
    few = [*short, '--set=frontier.strategies=["chain"]', f"--models={SEVEN_B}", "--hardware=nvidia-h100-sxm"]
    code = main(["frontier", "reasoning-frontier", *few, "--target=0.5", "--json", f"--out={tmp_path / 'o'}"])
    figures = json.loads(capsys.readouterr().out)
    assert code == 0
    assert figures["cheapest"]["model"] == SEVEN_B
    assert (tmp_path / "o" / "report.html").read_text().count("plotly") > 1
    assert main(["frontier", "reasoning-frontier", *few, "--target=0.99", "--json", "--jobs=1"]) == 1
