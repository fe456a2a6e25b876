"""Test-time compute in YAML: what a user's task becomes before it is answered.

- by which strategy (``kind``): `simulator.scenario.reasoning.strategies`
- who judges the candidates: `simulator.scenario.reasoning.verifiers`
- how often the answer is right, and where that is known from: `simulator.scenario.reasoning.quality`
"""

from __future__ import annotations

from simulator.scenario.reasoning.quality import QualitySpec
from simulator.scenario.reasoning.reasoning import ReasoningSpec
from simulator.scenario.reasoning.strategies import StrategySpec
from simulator.scenario.reasoning.verifiers import VerifierSpec

__all__ = ["QualitySpec", "ReasoningSpec", "StrategySpec", "VerifierSpec"]
