"""Compiled static shapes: AWS Inferentia2 and Trainium.

The compiler makes one graph for a fixed number of seats and a few lengths. A decode step
costs what the graph costs, however many seats are taken and however short the sequences:

    decode = layers * layer_us + weight bytes / (chips * BW * bandwidth_efficiency)
           + seats * bucket * cache bytes per token / (chips * BW * cache_efficiency)

with ``bucket`` the mean context rounded up to a power of two (a real graph takes the longest
sequence; only the sum is known here). A KV head is copied to every core that needs it:
24 cores and 8 KV heads read (and store) the cache three times. The prompts of a step run in a graph of
their own, each padded to a bucket:

    prompts = prefill_us + layers * layer_us + weight stream
            + prompts * (FLOPs of the bucket / (chips * PEAK * compute_efficiency)
                         + layers * heads * bucket^2 * score_bytes / (chips * BW))

The last term is attention whose scores pass through memory; with fused kernels ``score_bytes`` is zero.

Source of the layout: AWS Neuron documentation, neuron-hardware and NxD Inference bucketing.
Constants are fitted to Llama-2 rows of the Neuron 2.18 benchmark tables; Llama-3 and Mistral rows are
predicted. The tables mix kernels: two rows of the same model differ by a factor of two in time per prompt
token, which no constants can meet.
"""

from __future__ import annotations

import numpy as np

from simulator.hardware.execution import Power, StaticShapesExecution
from simulator.latency.context_lines import DecodeLines
from simulator.latency.layout import Layout
from simulator.latency.machine import Machine
from simulator.latency.power import PhaseWork, step_energy_j
from simulator.latency.pricer import BOUNDS, StepColumns, StepCosts
from simulator.latency.resident import active_layer_bytes, attention_flops, prompt_flops_per_token
from simulator.models.accounting import read_bytes_per_step
from simulator.models.attention import attention_groups
from simulator.models.gemms import model_gemms
from simulator.models.precision import bytes_per_value
from simulator.units.clock import NS_PER_S


def copied_cache_bytes(layout: Layout, cores_per_chip: int) -> float:
    """KV bytes per token on all chips together, heads copied to every core that needs them [bytes]."""
    cores = layout.tensor * cores_per_chip
    size = bytes_per_value(layout.kv_dtype)
    total = 0.0
    for group in attention_groups(layout.card):
        copies = max(1.0, cores / group.kv_heads)
        total += group.layers * group.kv_values_per_token * size * copies
    return total


def sequence_bucket(tokens: float, smallest: int) -> int:
    """The power of two, at least ``smallest``, that holds this many tokens."""
    bucket = smallest
    while bucket < tokens:
        bucket *= 2
    return bucket


class StaticShapesPricer:
    """A `StepPricer` for compiled graphs of ``seats`` seats."""

    def __init__(
        self, execution: StaticShapesExecution, layout: Layout, machine: Machine, seats: int, power: Power
    ) -> None:
        self.idle_w = None if machine.idle_w is None else machine.idle_w * layout.devices
        self._execution, self._layout, self._machine = execution, layout, machine
        self._seats, self._power = seats, power
        self._rate = layout.tensor * machine.bandwidth
        gemms = model_gemms(layout.card)
        self._weights = read_bytes_per_step(layout.card, gemms, layout.weight_dtype, seats)
        self._stream_s = self._weights / (self._rate * execution.bandwidth_efficiency)
        self._fixed_s = layout.card.layers * execution.layer_us * 1e-6 + self._stream_s
        self._cache_bytes = copied_cache_bytes(layout, execution.cores_per_chip)
        self._peak = machine.product_flops(layout.weight_dtype) * layout.tensor
        self._token_flops = prompt_flops_per_token(layout)
        self._product_flops = attention_flops(layout)
        self.decode_line = DecodeLines(self._decode_ns).line

    def _decode_ns(self, sequences: int, context: int) -> float:
        bucket = sequence_bucket(context / sequences, self._execution.smallest_bucket)
        cache_s = self._seats * bucket * self._cache_bytes / (self._rate * self._execution.cache_efficiency)
        return NS_PER_S * (self._fixed_s + cache_s)

    def step_ns(
        self,
        prefill_tokens: int,
        prefill_sequences: int,
        prefill_context: int,
        prefill_products: int,
        decode_sequences: int,
        decode_tokens: int,
        decode_context: int,
    ) -> int:
        """See `StepPricer`. Prompts and decodes of one step run one graph after the other."""
        time = 0.0
        if decode_sequences:
            line = self.decode_line(decode_sequences, decode_context)
            time += line.step_ns(decode_sequences, decode_context)
        if prefill_tokens:
            time += NS_PER_S * self._prompts_s(prefill_tokens, prefill_sequences, prefill_context)
        return int(time)

    def _prompts_s(self, tokens: int, sequences: int, context: int) -> float:
        execution = self._execution
        card = self._layout.card
        bucket = sequence_bucket(tokens / sequences, execution.smallest_bucket)
        seen = sequence_bucket(context / sequences, execution.smallest_bucket)
        flops = bucket * (self._token_flops + self._product_flops * seen / 2)
        compute_s = flops / (self._peak * execution.compute_efficiency)
        scores_s = card.layers * card.heads * bucket * seen * execution.score_bytes / self._rate
        return execution.prefill_us * 1e-6 + self._fixed_s + sequences * (compute_s + scores_s)

    def costs(self, steps: StepColumns) -> StepCosts:
        """See `StepPricer`. Padding draws power as real work does."""
        seconds = steps.duration_ns / NS_PER_S
        layout, machine = self._layout, self._machine
        chips = layout.devices
        decoding = steps.decode_sequences > 0
        useful = steps.decode_context * self._cache_bytes
        active = active_layer_bytes(layout)
        prefill = PhaseWork(
            steps.prefill_sequences * active / chips,
            (steps.prefill_tokens * self._token_flops + self._product_flops * steps.prefill_products) / chips,
        )
        decode = PhaseWork(
            (decoding * self._weights + useful) / chips, steps.decode_tokens * self._token_flops / chips
        )
        prefill_j, decode_j = step_energy_j(
            self._power,
            machine.tdp_w,
            machine.idle_w,
            seconds,
            prefill,
            decode,
            machine.bandwidth,
            self._peak / layout.tensor,
        )
        memory_s = (prefill.bytes + decode.bytes) / machine.bandwidth
        compute_s = (prefill.flops + decode.flops) / (self._peak / layout.tensor)
        overhead_s = seconds - np.maximum(memory_s, compute_s)
        codes = np.array([BOUNDS.index(name) for name in ("compute", "memory", "overhead")], dtype=np.int8)
        bound = codes[np.argmax(np.stack([compute_s, memory_s, overhead_s]), axis=0)]
        return StepCosts(prefill_j * chips, decode_j * chips, bound)
