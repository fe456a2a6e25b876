"""A roofline of whole steps, for devices known by the rates of whole requests only.

Weights and cache are streamed from memory in every step, as on a GPU, but nobody published what a single
operator takes, so the constants are few enough to be told apart by published rates:

    step = step_us + sequences * sequence_us + layers * layer_us + collectives
         + max(weight bytes / (BW * weight_efficiency), FLOPs of the tokens / (PEAK * compute_efficiency))
         + cache bytes / (BW * cache_efficiency)
         + prompts * prompt_us + FLOPs of the prompts' attention / (PEAK * compute_efficiency)

``layer_us`` is what a layer takes beyond its bytes (launches, norms, synchronisation of cores). A
collective takes ``exchange_us`` and its links' time for the bytes; there are two a layer. Of the experts
the distinct ones that some token visits are read.

Weights that do not fit the memory may lie in a slower tier behind it (the DDR of an SN40L) and are then
streamed from there: the first term becomes the sum over both tiers. Moving a model from one tier to
another between requests is left out.
"""

from __future__ import annotations

from math import ceil, inf

import numpy as np
from numpy.typing import NDArray

from simulator.hardware.execution import Power, StreamedExecution
from simulator.latency.context_lines import DecodeLines
from simulator.latency.layout import Layout
from simulator.latency.machine import Machine
from simulator.latency.power import PhaseWork, step_energy_j
from simulator.latency.pricer import BOUNDS, Floats, StepColumns, StepCosts
from simulator.latency.tiers import Spill
from simulator.models.accounting import read_bytes_per_step
from simulator.models.precision import bytes_per_value
from simulator.units.clock import NS_PER_S

#: Bytes of one activation value on the wire.
_ACTIVATION_BYTES = 2
#: Collectives of one layer: after attention and after the feed-forward part.
_EXCHANGES = 2
#: Linear layers read and write their state in 32 bits.
_STATE_BYTES = 2 * 4


class StreamedPricer:
    """A `StepPricer` for one layout on devices that stream weights and cache.

    Parameters
    ----------
    weights_fast
        Bytes of the weights that lie in the fast tier of a device; the rest is in the slow one [bytes].
    power
        Draw of a busy device.
    """

    def __init__(
        self,
        execution: StreamedExecution,
        layout: Layout,
        machine: Machine,
        weights_fast: float,
        power: Power,
    ) -> None:
        self.idle_w = None if machine.idle_w is None else machine.idle_w * layout.devices
        self._execution, self._layout, self._machine = execution, layout, machine
        self._power = power
        self._spill = Spill(weights_fast, max(layout.weight_bytes - weights_fast, 0.0))
        self._ways = layout.data * layout.pipeline
        self._peak = machine.product_flops(layout.weight_dtype)
        self._body: dict[int, float] = {}
        self._read: dict[int, float] = {}
        self._token_flops = 2.0 * self._weights_per_token()
        self._attention_s = 1.0 / (self._peak * execution.compute_efficiency * self._ways)
        self._exchange_s(1)  # refuses devices without a known link now, not in the middle of a run
        self.decode_line = DecodeLines(self._decode_ns).line

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
        """See `StepPricer`."""
        if not prefill_tokens and decode_tokens == decode_sequences:
            line = self.decode_line(decode_sequences, decode_context)
            return line.step_ns(decode_sequences, decode_context)
        execution = self._execution
        sequences = prefill_sequences + decode_sequences
        time = self._body_s(prefill_tokens + decode_tokens) + sequences * execution.sequence_us * 1e-6
        if decode_sequences:
            time += self._cache_s(decode_sequences, decode_context)
        if prefill_tokens:
            triangle = prefill_products - prefill_tokens * prefill_tokens / (2.0 * prefill_sequences)
            time += prefill_sequences * execution.prompt_us * 1e-6
            time += self._attention_s * self._prompt_flops(prefill_tokens, triangle)
        return int(NS_PER_S * time)

    def _decode_ns(self, sequences: int, context: int) -> float:
        time = self._body_s(sequences) + sequences * self._execution.sequence_us * 1e-6
        return NS_PER_S * (time + self._cache_s(sequences, context))

    def _body_s(self, tokens: int) -> float:
        """What depends on the number of tokens alone."""
        time = self._body.get(tokens)
        if time is None:
            execution, local = self._execution, ceil(tokens / self._ways)
            time = execution.step_us * 1e-6 + self._layout.card.layers * execution.layer_us * 1e-6
            time += self._exchange_s(local)
            stream_s = (
                self._spill.stream_s(self._weight_bytes(tokens), self._machine) / execution.weight_efficiency
            )
            compute_s = local * self._token_flops / (self._peak * execution.compute_efficiency)
            time += max(stream_s, compute_s)
            self._body[tokens] = time
        return time

    def _weight_bytes(self, tokens: int) -> float:
        """Weights that one device reads in a step of this many tokens [bytes]."""
        read = self._read.get(tokens)
        if read is None:
            layout = self._layout
            visiting = tokens / layout.pipeline
            read = read_bytes_per_step(layout.card, layout.gemms, layout.weight_dtype, visiting)
            self._read[tokens] = read
        return read

    def _weights_per_token(self) -> float:
        """Weights that one token multiplies on one device, as if it held all layers."""
        gemms = self._layout.gemms
        weights = float(sum(gemm.weights for gemm in gemms.dense) + gemms.lm_head.weights)
        if gemms.experts is not None:
            routed = self._layout.data * gemms.experts.active / self._layout.expert
            weights += routed * gemms.experts.weights_per_expert * gemms.experts.gate_up.layers
        return weights

    def _exchange_s(self, tokens: int) -> float:
        layout = self._layout
        size = tokens * layout.card.hidden * _ACTIVATION_BYTES
        together = layout.tensor * layout.data if layout.card.moe is not None else layout.tensor
        total = 0.0
        if together > 1:
            total += _EXCHANGES * layout.card.layers * self._collective_s(together, size)
        if layout.pipeline > 1:
            total += (layout.pipeline - 1) * self._collective_s(2, size)
        return total

    def _collective_s(self, devices: int, size: float) -> float:
        """Fixed time and what the links take for the bytes."""
        all_reduce = self._machine.all_reduce_s
        return self._execution.exchange_us * 1e-6 + all_reduce(devices, size) - all_reduce(devices, 1)

    def _cache_s(self, sequences: float, context: float) -> float:
        read = self._cache_bytes(sequences, context)
        return read / (self._machine.bandwidth * self._execution.cache_efficiency)

    def _cache_bytes(self, sequences: float, context: float) -> float:
        """Cache that one device reads for decodes [bytes]."""
        ways, size = min(self._ways, max(sequences, 1.0)), bytes_per_value(self._layout.kv_dtype)
        total = 0.0
        for group in self._layout.attention:
            attended = sequences * group.attended(context / sequences)
            total += group.layers * attended * group.kv_values_per_token * size
            total += group.layers * sequences * group.state_values * _STATE_BYTES
        return total / ways

    def _prompt_flops(self, tokens: float, triangle: float) -> float:
        """FLOPs of the attention of prompt tokens on one device, micro-batches together."""
        return sum(
            group.layers
            * group.prefill_flops_per_product
            * min(triangle, tokens * (inf if group.window is None else group.window))
            for group in self._layout.attention
        )

    def costs(self, steps: StepColumns) -> StepCosts:
        """See `StepPricer`."""
        seconds = steps.duration_ns / NS_PER_S
        prefill, decode = self._phase_work(steps)
        machine, devices = self._machine, self._layout.devices
        prefill_j, decode_j = step_energy_j(
            self._power,
            machine.tdp_w,
            machine.idle_w,
            seconds,
            prefill,
            decode,
            machine.bandwidth,
            self._peak,
        )
        return StepCosts(
            prefill_j * devices, decode_j * devices, self._bounds(steps, seconds, prefill, decode)
        )

    def _phase_work(self, steps: StepColumns) -> tuple[PhaseWork, PhaseWork]:
        """Bytes and FLOPs of each phase on one device; weights are shared by tokens."""
        tokens = np.maximum(steps.prefill_tokens + steps.decode_tokens, 1)
        weights = np.array([self._weight_bytes(count) for count in tokens.tolist()])
        share = steps.prefill_tokens / tokens
        flops = self._token_flops * tokens / self._ways
        squares = steps.prefill_tokens.astype(float) ** 2 / (2.0 * np.maximum(steps.prefill_sequences, 1))
        triangles = np.maximum(steps.prefill_products - squares, 0.0)
        prompts = np.array(
            [
                self._prompt_flops(count, triangle)
                for count, triangle in zip(steps.prefill_tokens.tolist(), triangles.tolist(), strict=True)
            ]
        )
        cache = np.array(
            [
                self._cache_bytes(sequences, context) if sequences else 0.0
                for sequences, context in zip(
                    steps.decode_sequences.tolist(), steps.decode_context.tolist(), strict=True
                )
            ]
        )
        return (
            PhaseWork(weights * share, flops * share + prompts / self._ways),
            PhaseWork(weights * (1.0 - share) + cache, flops * (1.0 - share)),
        )

    def _bounds(
        self, steps: StepColumns, seconds: Floats, prefill: PhaseWork, decode: PhaseWork
    ) -> NDArray[np.int8]:
        """The largest part of each step; whatever none of them explains is overhead."""
        memory_s = (prefill.bytes + decode.bytes) / self._machine.bandwidth
        compute_s = (prefill.flops + decode.flops) / self._peak
        tokens = np.maximum(steps.prefill_tokens + steps.decode_tokens, 1)
        network_s = np.array([self._exchange_s(ceil(count / self._ways)) for count in tokens.tolist()])
        overhead_s = seconds - np.maximum(memory_s, compute_s) - network_s
        parts = {"compute": compute_s, "memory": memory_s, "network": network_s, "overhead": overhead_s}
        codes: NDArray[np.int8] = np.array([BOUNDS.index(name) for name in parts], dtype=np.int8)
        bound: NDArray[np.int8] = codes[np.argmax(np.stack(list(parts.values())), axis=0)]
        return bound
