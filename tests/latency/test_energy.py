"""Energy of steps: bounded by TDP, split by phase, unknown where power is unknown."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.latency.pricer import BOUNDS
from simulator.scenario.backend import AutoBackendSpec, LinearBackendSpec
from tests.latency.conftest import decode_ns, prompt_ns, steps


def test_a_decode_step_draws_between_idle_and_tdp(compiled):
    backend = compiled("nvidia-h100-sxm", "llama-3.1-8b")
    ns = decode_ns(backend, 8, 800)
    costs = backend.pricer.costs(
        steps(duration_ns=[ns], decode_sequences=[8], decode_tokens=[8], decode_context=[6400])
    )
    assert backend.pricer.idle_w == 119
    draw = backend.pricer.idle_w + costs.decode_j[0] / (ns / 1e9)
    assert 350 < draw < 600
    assert costs.prefill_j[0] == 0.0
    assert BOUNDS[costs.bound[0]] == "memory"


def test_a_prompt_is_bound_by_compute_and_draws_more_than_a_decode(compiled):
    backend = compiled("nvidia-h100-sxm", "llama-3.1-8b")
    ns, decode = prompt_ns(backend, 8192), decode_ns(backend, 8, 800)
    prompt = backend.pricer.costs(
        steps(
            duration_ns=[ns],
            prefill_tokens=[8192],
            prefill_sequences=[1],
            prefill_context=[8192],
            prefill_products=[8192**2],
        )
    )
    token = backend.pricer.costs(
        steps(duration_ns=[decode], decode_sequences=[8], decode_tokens=[8], decode_context=[6400])
    )
    assert BOUNDS[prompt.bound[0]] == "compute"
    assert prompt.decode_j[0] == 0.0
    assert prompt.prefill_j[0] / ns > token.decode_j[0] / decode
    assert 119 + prompt.prefill_j[0] / (ns / 1e9) <= 700 + 1e-6


def test_devices_that_wait_for_the_busiest_expert_rank_draw_little(compiled):
    """The same step in the same time: the more loads of ranks scatter, the less the average rank works."""
    columns = {"decode_sequences": [8], "decode_tokens": [8], "decode_context": [6400]}
    draws = []
    for spread in (0.0, 1.5, 3.0):
        spec = AutoBackendSpec(routing_spread=spread)
        backend = compiled(
            "nvidia-h100-sxm", "llama-4-maverick", spec=spec, weights="fp8", tensor=8, expert=8
        )
        costs = backend.pricer.costs(steps(duration_ns=[12_000_000], **columns))
        draws.append(costs.decode_j[0])
    assert draws[0] > draws[1] > draws[2] > 0


def test_devices_add_up(compiled):
    one, four = (compiled("nvidia-h100-sxm", "llama-3.1-8b", tensor=n).pricer.idle_w for n in (1, 4))
    assert four == 4 * one


@pytest.mark.parametrize(
    ("device", "layout"),
    [("aws-inferentia2", {"tensor": 12}), ("groq-lpu-v1", {"tensor": 8, "pipeline": 32, "weights": "int8"})],
)
def test_unknown_power_stays_unknown(compiled, device, layout):
    pricer = compiled(device, "llama-3.1-8b", **layout).pricer
    costs = pricer.costs(
        steps(duration_ns=[5_000_000], decode_sequences=[1], decode_tokens=[1], decode_context=[100])
    )
    assert pricer.idle_w is None
    assert np.isnan(costs.decode_j[0])


def test_a_linear_backend_knows_no_dynamic_energy(compiled):
    pricer = compiled("nvidia-h100-sxm", "llama-3.1-8b", spec=LinearBackendSpec(base_ns=10)).pricer
    costs = pricer.costs(steps(duration_ns=[10, 10], decode_sequences=[1, 1]))
    assert np.isnan(costs.decode_j).all()
