"""From the ``execution:`` section of a profile to a pricer, for every execution model but the roofline of
operators (which takes settings of the engine and of the scenario besides)."""

from __future__ import annotations

from simulator.hardware.execution import (
    InMemoryExecution,
    Power,
    SramPipelineExecution,
    StaticShapesExecution,
    StreamedExecution,
    WaferExecution,
)
from simulator.hardware.families import family_execution
from simulator.latency.in_memory import in_memory_times
from simulator.latency.layout import Layout
from simulator.latency.lpu import lpu_times
from simulator.latency.machine import Machine
from simulator.latency.pipeline import PipelinePricer, PipelineTimes
from simulator.latency.placement import Placement
from simulator.latency.pricer import StepPricer
from simulator.latency.static_shapes import StaticShapesPricer
from simulator.latency.streamed import StreamedPricer
from simulator.latency.wafer import wafer_times

#: Execution models other than the roofline of operators.
WholeStepExecution = (
    StreamedExecution | StaticShapesExecution | SramPipelineExecution | InMemoryExecution | WaferExecution
)

#: How each is called in a result.
NAMES = {
    "streamed": "roofline of whole steps",
    "static_shapes": "static shapes",
    "sram_pipeline": "SRAM pipeline",
    "in_memory": "in-memory compute",
    "wafer": "wafer",
}


def whole_step_pricer(
    execution: WholeStepExecution, layout: Layout, machine: Machine, placement: Placement, seats: int
) -> StepPricer:
    """The pricer of a device that is no roofline of operators.

    Parameters
    ----------
    placement
        Where weights and cache lie.
    seats
        Sequences that may run at once.
    """
    if isinstance(execution, StreamedExecution):
        power = _power(execution.power, machine)
        return StreamedPricer(execution, layout, machine, placement.weight_bytes_per_device, power)
    if isinstance(execution, StaticShapesExecution):
        return StaticShapesPricer(execution, layout, machine, seats, _power(execution.power, machine))
    if isinstance(execution, SramPipelineExecution):
        return _pipeline(lpu_times(execution, layout, machine), execution.busy_power, layout, machine)
    if isinstance(execution, InMemoryExecution):
        return _pipeline(in_memory_times(execution, layout, machine), execution.busy_power, layout, machine)
    return _pipeline(wafer_times(execution, layout, machine), execution.busy_power, layout, machine)


def _power(own: Power | None, machine: Machine) -> Power:
    power = own or family_execution(machine.family, machine.bandwidth).power
    assert power is not None
    return power


def _pipeline(
    times: PipelineTimes, busy_power: float | None, layout: Layout, machine: Machine
) -> PipelinePricer:
    """A pipeline, with the draw of all its devices idle and the addition at full rate."""
    idle_w = None if machine.idle_w is None else machine.idle_w * layout.devices
    if machine.tdp_w is None or machine.idle_w is None or busy_power is None:
        return PipelinePricer(times, idle_w, None)
    dynamic_w = max(busy_power * machine.tdp_w - machine.idle_w, 0.0) * layout.devices
    return PipelinePricer(times, idle_w, dynamic_w)
