"""What a result says of tasks before its figures are compared."""

from __future__ import annotations

import pytest

from simulator.scenario.loading import load_scenario
from simulator.simulation import run_scenario

FEW = {
    "requests": 6,
    "workload.thinking.tokens": {"distribution": "fixed", "tokens": 1000},
    "reasoning.strategy.step_tokens": {"distribution": "fixed", "tokens": 100},
}
RARELY = {"process": "poisson", "rate": "0.05 /s"}
ALWAYS = {"process": "closed_loop", "concurrency": 6}


def summary(**changes):
    return run_scenario(load_scenario("reasoning-tree-search", {**FEW, **changes})).summary


def test_trees_cut_by_depth_are_said_and_how_many():
    cut = summary(**{"reasoning.strategy.most_depth": 9})
    assert any("6 of 6 tasks were cut by depth" in message for message in cut.messages)
    assert cut.to_dict()["tasks_cut_by_depth"] == 6
    whole = summary()
    assert not any("cut by depth" in message for message in whole.messages)
    assert whole.to_dict()["tasks_cut_by_depth"] == 0


@pytest.mark.parametrize(("arrivals", "said"), [(RARELY, True), (ALWAYS, False)])
def test_the_rent_of_idle_machines_is_not_taken_for_the_cost_of_a_strategy(arrivals, said):
    messages = summary(**{"workload.arrivals": arrivals}).messages
    assert any("their rate sets it and not the strategy" in message for message in messages) == said


def test_in_an_idle_open_loop_one_chain_and_a_vote_cost_the_same_and_in_a_closed_loop_they_do_not():
    """The relation that the message rests on."""

    def ratio(arrivals):
        costs = [
            run_scenario(
                load_scenario(
                    "reasoning-best-of-n",
                    {
                        "requests": 40,
                        "workload.arrivals": arrivals,
                        "workload.thinking.tokens": {"distribution": "fixed", "tokens": 400},
                        "reasoning.strategy": strategy,
                    },
                )
            ).summary.tasks.cost.mid
            for strategy in ({"kind": "chain"}, {"kind": "majority_vote", "samples": 16})
        ]
        return costs[1] / costs[0]

    assert ratio(RARELY) == pytest.approx(1.0, rel=0.05)
    assert ratio({"process": "closed_loop", "concurrency": 40}) > 2
