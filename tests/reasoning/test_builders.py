"""Every strategy spec has a program, every program a spec."""

from __future__ import annotations

from typing import get_args

from simulator.reasoning.strategies import STRATEGIES
from simulator.scenario.reasoning import StrategySpec


def test_every_strategy_has_a_program():
    (union, *_) = get_args(StrategySpec)
    assert set(get_args(union)) == set(STRATEGIES)
