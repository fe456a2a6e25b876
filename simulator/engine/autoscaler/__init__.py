"""Autoscaling: how many replicas a pool should have, and who starts and stops them."""

from __future__ import annotations

from simulator.engine.autoscaler.policies import Look, Policy, policy_of
from simulator.engine.autoscaler.scaler import Autoscaler, ScalerPlan

__all__ = ["Autoscaler", "Look", "Policy", "ScalerPlan", "policy_of"]
