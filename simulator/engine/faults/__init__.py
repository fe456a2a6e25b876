"""Failures: what strikes, where and when."""

from __future__ import annotations

from simulator.engine.faults.injector import FaultInjector
from simulator.engine.faults.plan import FaultPlan, RandomFault, ScriptedFault

__all__ = ["FaultInjector", "FaultPlan", "RandomFault", "ScriptedFault"]
