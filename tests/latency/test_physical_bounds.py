"""No backend beats its hardware, on any device and model that can be combined.

The bounds know no efficiency: all devices of a replica read at once what a step cannot do without, at the
stated bandwidth, and multiply at the stated dense peak.
"""

from __future__ import annotations

import pytest

from simulator.errors import InputError
from simulator.hardware.catalogue import device_names, load_device
from simulator.hardware.device import Device
from simulator.latency import compile_backend
from simulator.latency.layout import lay_out
from simulator.latency.machine import Machine, machine_of
from simulator.latency.memory import streamed_tier
from simulator.latency.resident import prompt_flops_per_token
from simulator.latency.smallest import smallest_parallelism
from simulator.models.accounting import kv_bytes, read_bytes_per_step
from simulator.models.card import ModelCard
from simulator.models.catalogue import load_model, model_names
from simulator.models.gemms import model_gemms
from simulator.scenario.backend import AutoBackendSpec
from simulator.scenario.cluster import ParallelismSpec
from simulator.scenario.engine import EngineSpec
from tests.latency.conftest import decode_ns, prompt_ns

BATCHES = (1, 16, 256)
CONTEXT = 1000
PROMPT = 2000


def decode_bound_s(card: ModelCard, machine: Machine, devices: int, sequences: int) -> float:
    """Shortest conceivable decode step [s]: weights some token visits, the cache, the products."""
    read = read_bytes_per_step(card, model_gemms(card), "auto", sequences)
    cache = kv_bytes(card)
    read += sequences * (cache.sequence(CONTEXT) - cache.state)
    flops = sequences * prompt_flops_per_token(lay_out(card, 1, 1, 1, 1, "auto", "auto"))
    peak = max(machine.peak_flops.values())
    return max(read / (devices * machine.bandwidth), flops / (devices * peak))


def prompt_bound_s(card: ModelCard, machine: Machine, devices: int) -> float:
    """Shortest conceivable time of a prompt [s]."""
    flops = PROMPT * prompt_flops_per_token(lay_out(card, 1, 1, 1, 1, "auto", "auto"))
    return flops / (devices * max(machine.peak_flops.values()))


def combinations(device: Device):
    """Every model that can be laid out on a device, in the smallest way."""
    for name in model_names():
        card = load_model(name)
        try:
            parallelism = smallest_parallelism(card, device)
            if parallelism is None:
                continue
            tensor, pipeline = parallelism
            backend = compile_backend(
                AutoBackendSpec(),
                card,
                device,
                ParallelismSpec(tensor=tensor, pipeline=pipeline),
                EngineSpec(max_num_seqs=max(BATCHES)),
            )
        except InputError:
            continue
        yield card, backend


@pytest.mark.parametrize("name", device_names())
def test_no_step_is_faster_than_memory_and_multipliers_allow(name):
    device = load_device(name)
    checked = 0
    for card, backend in combinations(device):
        machine = machine_of(device, streamed_tier(device.execution))
        devices = backend.placement.devices
        for sequences in BATCHES:
            bound_ns = 1e9 * decode_bound_s(card, machine, devices, sequences)
            assert decode_ns(backend, sequences, CONTEXT) >= 0.999 * bound_ns, (card.id, sequences)
        bound_ns = 1e9 * prompt_bound_s(card, machine, devices)
        assert prompt_ns(backend, PROMPT) >= 0.999 * bound_ns, card.id
        checked += 1
    if not checked:
        pytest.skip(f"no model can be simulated on {device.name}: something is not published")
