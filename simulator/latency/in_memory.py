"""In-memory compute: multipliers inside the SRAM that holds the weights (d-Matrix Corsair).

A weight never moves: the arrays that store it multiply it by the activations that pass. So a token costs
multiplications, not memory traffic, and a batch costs as many passes as it has tokens:

    token    = layers * layer_us + FLOPs of a token / (group_chips * PEAK * compute_efficiency)
             + context * cache bytes per token / (group_chips * SRAM bandwidth)
    interval = FLOPs of a token / (chips * PEAK * compute_efficiency)

``group_chips`` cards share each layer, groups follow one another as stages, and tokens of different
sequences follow one another through the stages (`pipeline`). Weights and cache share the arrays' SRAM, which
limits model and batch; models that do not fit it run from the card's LPDDR as on any other accelerator
(software ``capacity-mode`` of the profile).

Calibration: ``layer_us`` from the vendor's claim of 1 ms per token for Llama-3-8B on 8 cards; the claim for
Llama-3-70B on 64 cards (2 ms) is predicted 25 % too slow. No independent measurement is public.
"""

from __future__ import annotations

from simulator.hardware.execution import InMemoryExecution
from simulator.latency.layout import Layout
from simulator.latency.machine import Machine
from simulator.latency.pipeline import PipelineTimes
from simulator.latency.resident import attention_flops, full_share, prompt_flops_per_token, window
from simulator.models.accounting import kv_bytes


def in_memory_times(execution: InMemoryExecution, layout: Layout, machine: Machine) -> PipelineTimes:
    """Times of a model over ``layout.tensor`` cards a stage and ``layout.pipeline`` stages."""
    rate = machine.product_flops(layout.weight_dtype) * execution.compute_efficiency
    flops = prompt_flops_per_token(layout)
    cached = kv_bytes(layout.card, layout.kv_dtype).per_token
    interval_s = flops / (rate * layout.devices)
    return PipelineTimes(
        token_s=layout.card.layers * execution.layer_us * 1e-6 + flops / (rate * layout.tensor),
        context_token_s=cached / (layout.tensor * machine.bandwidth),
        interval_s=interval_s,
        prompt_interval_s=interval_s,
        prompt_product_s=attention_flops(layout) / (rate * layout.devices),
        window_share=full_share(layout),
        window=window(layout),
    )
