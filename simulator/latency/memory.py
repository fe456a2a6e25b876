"""What each execution model keeps on one device: the arithmetic behind a `Placement`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from simulator.hardware.execution import (
    Execution,
    InMemoryExecution,
    RooflineExecution,
    SramPipelineExecution,
    StaticShapesExecution,
    StreamedExecution,
    WaferExecution,
)
from simulator.latency.layout import Layout
from simulator.latency.machine import Machine
from simulator.latency.placement import DeviceMemory, Fit, Placement, place, runtime_bytes
from simulator.latency.static_shapes import copied_cache_bytes
from simulator.latency.tiers import spill
from simulator.models.accounting import KvBytes, kv_bytes, weight_bytes
from simulator.scenario.engine import EngineSpec

#: Largest tensor-parallel group that is proposed, and largest number of devices tried.
_LARGEST_GROUP = 64
_MOST_DEVICES = 4096


def place_layout(
    layout: Layout,
    machine: Machine,
    execution: Execution | None,
    engine: EngineSpec,
    guest: Layout | None = None,
) -> Placement:
    """The memory of one replica, or a refusal that shows the arithmetic.

    ``guest`` is a draft whose weights and cache lie on the same devices.
    """
    utilisation = engine.gpu_memory_utilization

    def device(tried: Layout) -> DeviceMemory:
        own = device_memory(tried, machine, execution, utilisation)
        return own if guest is None else own.beside(guest.weight_bytes, guest.cache)

    def memory_of(parallelism: tuple[int, int]) -> DeviceMemory:
        return device(replace(single, tensor=parallelism[0], pipeline=parallelism[1]))

    # What is proposed is a layout by itself, not one of the copies or groups of the layout that did not fit.
    single = replace(layout, data=1, expert=1, context=1, micro_batches=None)

    fit = Fit(
        model=f"{layout.card.name} ({layout.weight_dtype} weights, {layout.kv_dtype} KV cache)",
        device=f"{layout.devices} x {machine.name}",
        described=f"parallelism {{{_in_words(layout)}}}",
        memory_of=memory_of,
        candidates=candidates(layout, machine, execution),
    )
    return place(
        device(layout),
        fit,
        layout.devices,
        kv_bytes(layout.card, layout.kv_dtype).per_token,
        engine.block_size,
        engine.num_gpu_blocks,
        engine.max_num_seqs,
    )


def _in_words(layout: Layout) -> str:
    """The sizes that decide what lies on a device."""
    sizes = {"tensor": layout.tensor, "pipeline": layout.pipeline, "data": layout.data}
    beside = {"expert": layout.expert, "context": layout.context}
    sizes |= {name: size for name, size in beside.items() if size > 1}
    return ", ".join(f"{name}: {size}" for name, size in sizes.items())


def device_memory(
    layout: Layout, machine: Machine, execution: Execution | None, utilisation: float
) -> DeviceMemory:
    """Memory of the fullest device."""
    if isinstance(execution, SramPipelineExecution | InMemoryExecution | WaferExecution):
        return _spread(layout, machine, execution.usable_sram, None)
    if isinstance(execution, StaticShapesExecution):
        return _spread(layout, machine, utilisation, execution)
    usable, runtime = utilisation * machine.capacity, runtime_bytes(machine.capacity)
    fast = spill(layout.weight_bytes, usable - runtime, machine).fast
    return DeviceMemory(usable, runtime, fast, layout.cache, ranks=layout.data * layout.context)


def _spread(
    layout: Layout, machine: Machine, usable: float, static: StaticShapesExecution | None
) -> DeviceMemory:
    """Weights and cache in equal parts over all devices of a replica."""
    whole = kv_bytes(layout.card, layout.kv_dtype)
    devices = layout.devices
    copies = 1.0
    if static is not None and whole.per_token:
        copies = copied_cache_bytes(layout, static.cores_per_chip) / whole.per_token
    cache = KvBytes(
        full=whole.full * copies / devices,
        windowed=tuple((window, size * copies / devices) for window, size in whole.windowed),
        state=whole.state / devices,
    )
    runtime = 0.0 if static is None else runtime_bytes(machine.capacity)
    weights = weight_bytes(layout.card, layout.weight_dtype) / devices
    return DeviceMemory(usable * machine.capacity, runtime, weights, cache)


def streamed_tier(execution: Execution | None) -> str | None:
    """Name of the memory tier that weights and cache lie in; None: the largest on the device."""
    choosing = RooflineExecution | StreamedExecution | StaticShapesExecution | InMemoryExecution
    return execution.tier if isinstance(execution, choosing) else None


def overflow_tier(execution: Execution | None) -> str | None:
    """Name of the memory tier that weights may spill to; None for none."""
    return execution.overflow_tier if isinstance(execution, StreamedExecution) else None


def candidates(layout: Layout, machine: Machine, execution: Execution | None) -> Iterator[tuple[int, int]]:
    """Layouts (tensor, pipeline) to propose, fewest devices first; of devices without a link only one."""
    if not machine.joined:
        return iter(((1, 1),))
    if isinstance(execution, SramPipelineExecution | InMemoryExecution):
        group = execution.group_chips
        return ((group, stages) for stages in range(1, _MOST_DEVICES // group + 1))
    if isinstance(execution, WaferExecution):
        return ((1, wafers) for wafers in range(1, 257))
    if isinstance(execution, StaticShapesExecution):
        return ((chips, 1) for chips in range(1, _LARGEST_GROUP + 1))
    return _rooflines(layout)


def _rooflines(layout: Layout) -> Iterator[tuple[int, int]]:
    """Powers of two that divide the heads, then pipelines of nodes of eight."""
    groups = [2**i for i in range(7) if layout.card.heads % 2**i == 0 and 2**i <= _LARGEST_GROUP]
    options = [(group, 1) for group in groups if group <= 8]
    largest = max(group for group in groups if group <= 8)
    options += [
        (largest, stages) for stages in range(2, min(layout.card.layers, _MOST_DEVICES // largest) + 1)
    ]
    return iter(options)
