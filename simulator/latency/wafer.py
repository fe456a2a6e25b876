"""Wafer-scale machines: layers lie side by side on one or more wafers (Cerebras WSE-2, WSE-3).

Weights rest beside the cores that multiply by them; a token's activations travel over
the fabric from layer to layer and between wafers:

    layer = layer_us + hidden * hidden_element_ns
    token = layers * layer + (wafers - 1) * wafer_hop

The raw SRAM bandwidth (21 PB/s) does not explain the published speeds: they are a
thousandth of what it allows. What does is latency: a fixed time per layer and the serial
movement of the activation vector, about three cycles of 1.1 GHz per element of the hidden
size for all broadcasts and reductions of a layer.

A layer's region works on one token at a time, so tokens follow each other after one layer
time: ``interval = layer``. A prompt is bound by the multipliers.

Calibration: the two constants from Llama-3.1-8B (1,837 tokens/s) and Llama-3.1-70B (446
tokens/s), both without speculation. gpt-oss-120b (2,059) is predicted; 405B at 969 tokens/s lies six
times above what the same constants give and can only be met with speculative decoding, which the
vendor used on 70B at that time (2,100 tokens/s, 4.7 times its plain rate).
"""

from __future__ import annotations

from simulator.hardware.execution import WaferExecution
from simulator.latency.layout import Layout
from simulator.latency.machine import Machine
from simulator.latency.pipeline import PipelineTimes
from simulator.latency.resident import attention_flops, full_share, prompt_flops_per_token, window
from simulator.models.accounting import kv_bytes


def wafer_times(execution: WaferExecution, layout: Layout, machine: Machine) -> PipelineTimes:
    """Times of a model over ``layout.devices`` wafers."""
    card = layout.card
    layer_s = execution.layer_us * 1e-6 + card.hidden * execution.hidden_element_ns * 1e-9
    peak = machine.product_flops(layout.weight_dtype) * execution.compute_efficiency * layout.devices
    return PipelineTimes(
        token_s=card.layers * layer_s + (layout.devices - 1) * execution.wafer_hop_us * 1e-6,
        context_token_s=kv_bytes(card, layout.kv_dtype).per_token / machine.bandwidth,
        interval_s=layer_s,
        prompt_interval_s=prompt_flops_per_token(layout) / peak,
        prompt_product_s=attention_flops(layout) / peak,
        window_share=full_share(layout),
        window=window(layout),
    )
