"""LPU pipeline: weights resident in the SRAM of hundreds of chips (Groq LPU v1, Groq 3).

A model's layers are cut into stages; ``group_chips`` chips hold a stage and share each of
its matrices (tensor-parallel), so a replica is ``group_chips`` times the number of stages.
A token visits the stages one after the other:

    layer   = layer_us + [expert_layer_us] + weight bytes of the layer / (group_chips * SRAM bandwidth
              * weight_efficiency)
    token   = layers * layer + context * cache bytes per token / (group_chips * SRAM bandwidth)

``layer_us`` holds the exchanges inside the group, the hop to the next and the vector
operations; the compiler schedules them to the cycle, so they do not vary. In a layer of experts the
token also has to be routed to the chips that hold them and back. ``weight_efficiency`` is the
rate at which weights reach the matrix units (409,600 weights in under 40 cycles of 0.9
GHz: Abts et al., ISCA 2020; quoted from memory, an estimate) over the SRAM bandwidth.

A stage is free for the next token when its layers are done, so ``interval = token /
stages``. The KV cache lives in the same SRAM as the weights, which limits context times
concurrency.

Calibration: ``layer_us`` from the public single-stream rates of Llama-2-7B, Llama-3-8B and
Llama-3.1-8B (750, 877 and 751 tokens/s), ``expert_layer_us`` from that of Mixtral-8x7B (480; a blog
reads 812, with a time to the first token that no network allows). Everything else is predicted,
Llama-2-70B (3.74 ms) and gpt-oss-120b (476 tokens/s) among it.
"""

from __future__ import annotations

from simulator.hardware.execution import SramPipelineExecution
from simulator.latency.layout import Layout
from simulator.latency.machine import Machine
from simulator.latency.pipeline import PipelineTimes
from simulator.latency.resident import (
    active_layer_bytes,
    attention_flops,
    full_share,
    prompt_flops_per_token,
    window,
)
from simulator.models.accounting import kv_bytes
from simulator.models.gemms import moe_layers


def lpu_times(execution: SramPipelineExecution, layout: Layout, machine: Machine) -> PipelineTimes:
    """Times of a model over ``layout.tensor`` chips a stage and ``layout.pipeline`` stages."""
    rate = layout.tensor * machine.bandwidth
    weights_s = active_layer_bytes(layout) / (rate * execution.weight_efficiency)
    stages = layout.pipeline
    layers_us = layout.card.layers * execution.layer_us + moe_layers(layout.card) * execution.expert_layer_us
    token_s = layers_us * 1e-6 + weights_s
    peak = machine.product_flops(layout.weight_dtype) * execution.compute_efficiency * layout.devices
    prompt_s = prompt_flops_per_token(layout) / peak
    return PipelineTimes(
        token_s=token_s,
        context_token_s=kv_bytes(layout.card, layout.kv_dtype).per_token / rate,
        interval_s=token_s / stages,
        prompt_interval_s=prompt_s,
        prompt_product_s=attention_flops(layout) / peak,
        window_share=full_share(layout),
        window=window(layout),
    )
