"""The section reasoning: what is refused, in which words."""

from __future__ import annotations

import pytest

from simulator.errors import InputError
from simulator.scenario.loading import load_scenario


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reasoning.strategy.kind": "bestofn"}, "did you mean 'best_of_n'"),
        ({"reasoning.strategy": {"kind": "beam_search", "beams": 6, "width": 4}}, "multiple of width"),
        ({"reasoning.strategy": {"kind": "agent"}}, "turns"),
        ({"reasoning.quality": {"pass_at_1": 0.5}}, "needs a source"),
        ({"reasoning.quality": {"model": "o1-mini"}}, "needs task_set"),
        ({"reasoning.quality": {}}, "either task_set, or pass_at_1"),
        (
            {
                "reasoning.strategy": {"kind": "majority_vote", "samples": 8, "early_stop": 0.8},
                "reasoning.quality": None,
            },
            "how often chains agree",
        ),
        ({"reasoning.strategy": {"kind": "majority_vote", "samples": 2, "early_stop": 0.8}}, "least"),
    ],
)
def test_a_mistake_is_named(changes, words):
    with pytest.raises(InputError, match=words):
        load_scenario("reasoning-best-of-n", changes)


def test_a_published_figure_is_that_of_the_model_served():
    reasoning = load_scenario("reasoning-best-of-n").reasoning
    assert reasoning.of_model("o1-mini").quality.model == "o1-mini"


def test_a_strategy_calls_only_models_that_are_served():
    cascade = {"kind": "cascade", "small": "qwen3-0.6b", "large": "deepseek-r1-distill-qwen-7b"}
    with pytest.raises(InputError, match=r"qwen3-0\.6b"):
        load_scenario("reasoning-best-of-n", {"reasoning.strategy": cascade})
