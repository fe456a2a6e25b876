"""The fewest devices that hold a model: weights, and a cache for some tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from simulator.hardware.device import Device
from simulator.latency.layout import lay_out
from simulator.latency.machine import machine_of
from simulator.latency.memory import candidates, device_memory, overflow_tier, streamed_tier
from simulator.models.card import ModelCard
from simulator.scenario.engine import EngineSpec


def fitting_parallelisms(
    card: ModelCard,
    device: Device,
    *,
    weight_dtype: str = "auto",
    kv_dtype: str = "auto",
    tokens: int = 4096,
    seats: int = 1,
    utilisation: float | None = None,
) -> Iterator[tuple[int, int]]:
    """Every (tensor, pipeline) that holds the model and a cache of ``tokens`` tokens, fewest devices first.

    Parameters
    ----------
    seats
        Sequences that the cache is shared by (windows and states are kept per sequence).
    utilisation
        Share of the memory that may be used; default: that of `EngineSpec`.

    Raises
    ------
    InputError
        Where the profile lacks capacity or bandwidth of the memory.
    """
    machine = machine_of(device, streamed_tier(device.execution), overflow_tier(device.execution))
    layout = lay_out(card, 1, 1, 1, 1, weight_dtype, kv_dtype)
    share = EngineSpec().gpu_memory_utilization if utilisation is None else utilisation
    for tensor, pipeline in candidates(layout, machine, device.execution):
        tried = replace(layout, tensor=tensor, pipeline=pipeline)
        memory = device_memory(tried, machine, device.execution, share)
        if memory.budget > 0 and memory.capacity_tokens(seats) >= tokens:
            yield tensor, pipeline


def smallest_parallelism(
    card: ModelCard,
    device: Device,
    *,
    weight_dtype: str = "auto",
    kv_dtype: str = "auto",
    tokens: int = 4096,
    seats: int = 1,
) -> tuple[int, int] | None:
    """The first of `fitting_parallelisms`, None where nothing that was tried holds the model."""
    fitting = fitting_parallelisms(
        card, device, weight_dtype=weight_dtype, kv_dtype=kv_dtype, tokens=tokens, seats=seats
    )
    return next(fitting, None)
