"""Context of measured steps, counted once where decodes share it.

What a run notes of its steps counts shared context for each decode. Who shared what follows from a replay of
its schedule, which needs the requests' contents and the step that saw each of them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.calibration.measured_steps import MeasuredStepPricer, MeasuredSteps, StepWriter
from simulator.engine.listed import ListedReplica
from simulator.engine.replica import Replica
from simulator.engine.scheduler.plan import StepPlan
from simulator.latency.pricer import StepColumns


class _SharingPricer(MeasuredStepPricer):
    """Measured durations, for context that is counted once."""

    shares_context = True


class _ContextWriter(StepWriter):
    """Notes the context of decodes step by step."""

    def __init__(self) -> None:
        super().__init__()
        self.contexts: list[int] = []

    def composed(self, replica: Replica, plan: StepPlan, now: int) -> None:
        self.contexts.append(plan.decode_context)
        super().composed(replica, plan, now)


def count_shared_once(run: MeasuredSteps, steps: StepColumns) -> StepColumns:
    """The steps of a run, with context that several decodes share counted once.

    Raises
    ------
    SimulatorError
        Where the replay goes another way than the run.
    """
    writer = _ContextWriter()
    for _ in run.replay(ListedReplica, writer, _SharingPricer(run.durations_ns)):
        pass
    return replace(steps, decode_context=np.maximum(np.array(writer.contexts, dtype=np.int64), 0))
