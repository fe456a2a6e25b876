"""Decode offload: GPUs keep prompts, cache and attention; LPUs beside them hold the feed-forward weights.

NVIDIA pairs Groq 3 LPX racks with Vera Rubin this way (GTC 2026). Every layer of a decode step crosses the
link twice:

    layer = attention on the GPUs + hop + feed-forward on the LPUs + hop
    attention    = fixed + (attention weights + cache) / (GPUs * HBM bandwidth * efficiency)
    hop          = link latency + sequences * hidden * 2 bytes / link bandwidth
    feed-forward = layer_us [+ expert_layer_us] + sequences * active bytes / (LPUs of the layer * SRAM
                   bandwidth * weight_efficiency)

Attention weights are read once for the batch from HBM; the LPUs work on one token after another. The LM head
stays on the GPUs. Prompts run on the GPUs alone, whose memory holds the whole model as well; in a mixed step
they come before the decodes.

Nothing measured is public for such a pair: the GPU's efficiencies, the LPU's constants and the link are
estimates, and every result says so. Left out: overlap of two half batches, which would hide hops.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from simulator.errors import DoesNotFitError
from simulator.hardware.execution import SramPipelineExecution
from simulator.latency.context_lines import ContextLines
from simulator.latency.layout import Layout
from simulator.latency.machine import Machine
from simulator.latency.pricer import BOUNDS, StepColumns, StepCosts, StepPricer
from simulator.models.gemms import ModelGemms, model_gemms, moe_layers
from simulator.models.precision import bytes_per_value

_NS = 1e9
_ACTIVATION_BYTES = 2
#: Share of the HBM bandwidth that weights and cache are read at in attention, and its launches in a layer
#: [s]: as on the profiled GPUs (estimates).
_BANDWIDTH_EFFICIENCY = 0.8
_ATTENTION_FIXED_S = 15e-6
#: Latency of one crossing of the link where the scenario states none [s], an estimate.
LINK_S = 2e-6
#: Matrices that stay on the GPUs.
_ON_GPUS = frozenset({"qkv", "o", "latent_a", "q_b", "kv_b", "linear_in", "linear_out", "router"})


@dataclass(frozen=True, slots=True)
class Partner:
    """The LPUs beside one replica.

    Attributes
    ----------
    devices
        How many.
    link_bandwidth, link_s
        Of the way between GPUs and LPUs, one way: all of the replica's links together [bytes/s], latency [s].
    """

    machine: Machine
    execution: SramPipelineExecution
    devices: int
    link_bandwidth: float
    link_s: float


class DecodeOffloadPricer:
    """A `StepPricer` for GPUs with LPUs beside them.

    Parameters
    ----------
    alone
        Prices the GPUs without LPUs: it takes the prompts.
    layout, gpu
        The model on the GPUs, and one of them.

    Raises
    ------
    DoesNotFitError
        Where the LPUs are too few for the feed-forward weights.
    """

    def __init__(self, alone: StepPricer, layout: Layout, gpu: Machine, partner: Partner) -> None:
        self.idle_w = None
        if alone.idle_w is not None and partner.machine.idle_w is not None:
            self.idle_w = alone.idle_w + partner.devices * partner.machine.idle_w
        self._alone, self._layout, self._gpu, self._partner = alone, layout, gpu, partner
        whole = model_gemms(layout.card)
        refuse_too_few(layout, whole, partner)
        self._attention_s = self._attention_weights_s()
        self._fixed_s = self._layers_fixed_s()
        self._token_s = self._feed_forward_token_s(whole) + self._hops_token_s()
        self._lines = ContextLines(self._decode_ns)
        self.decode_line = self._lines.line

    def _attention_weights_s(self) -> float:
        """Attention weights and LM head, read once per step."""
        layout = self._layout
        gemms = [gemm for gemm in layout.gemms.dense if gemm.role in _ON_GPUS] + [layout.gemms.lm_head]
        read = sum(gemm.weights * layout.weight_size(gemm.role) for gemm in gemms)
        return read / (self._gpu.bandwidth * _BANDWIDTH_EFFICIENCY)

    def _layers_fixed_s(self) -> float:
        """Launches, exchange, two hops and the LPUs' own latency, all layers."""
        layout, partner = self._layout, self._partner
        layers = layout.card.layers
        lpu_us = (
            layers * partner.execution.layer_us + moe_layers(layout.card) * partner.execution.expert_layer_us
        )
        gpu_s = _ATTENTION_FIXED_S
        if layout.tensor > 1:
            gpu_s += self._gpu.all_reduce_s(layout.tensor, layout.card.hidden * _ACTIVATION_BYTES)
        return layers * (gpu_s + 2 * partner.link_s) + lpu_us * 1e-6

    def _feed_forward_token_s(self, whole: ModelGemms) -> float:
        """One token in the feed-forward parts of all layers, each on its share of the LPUs."""
        partner, layers = self._partner, self._layout.card.layers
        own_chips = partner.devices / layers
        rate = own_chips * partner.machine.bandwidth * partner.execution.weight_efficiency
        return _feed_forward_bytes(self._layout, whole, active=True) / rate

    def _hops_token_s(self) -> float:
        size = self._layout.card.hidden * _ACTIVATION_BYTES
        return 2 * self._layout.card.layers * size / self._partner.link_bandwidth

    def _decode_ns(self, sequences: int, context: int) -> float:
        if not sequences:
            return 0.0
        local = ceil(sequences / (self._layout.data * self._layout.pipeline))
        cache_s = self._cache_bytes(sequences, context) / (self._gpu.bandwidth * _BANDWIDTH_EFFICIENCY)
        return _NS * (self._attention_s + self._fixed_s + local * self._token_s + cache_s)

    def _cache_bytes(self, sequences: float, context: float) -> float:
        """Cache that one GPU reads [bytes]."""
        layout, ways = self._layout, self._layout.data * self._layout.pipeline
        size = bytes_per_value(layout.kv_dtype)
        attended = [
            group.layers * sequences * group.attended(context / sequences) * group.kv_values_per_token
            for group in layout.attention
        ]
        return sum(attended) * size / min(ways, max(sequences, 1.0))

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
        line = self.decode_line(decode_sequences, decode_context)
        time = line.fixed_ns + line.ns_per_token * decode_context
        time += _NS * self._token_s * (decode_tokens - decode_sequences)
        if prefill_tokens:
            time += self._alone.step_ns(
                prefill_tokens, prefill_sequences, prefill_context, prefill_products, 0, 0, 0
            )
        return int(time)

    def costs(self, steps: StepColumns) -> StepCosts:
        """See `StepPricer`: the draw of the pair is not known."""
        unknown = np.full(len(steps.duration_ns), np.nan)
        moving = steps.decode_tokens * self._hops_token_s() > 0.5 * steps.duration_ns / _NS
        bound = np.where(
            steps.prefill_tokens > 0,
            BOUNDS.index("compute"),
            np.where(moving, BOUNDS.index("network"), BOUNDS.index("pipeline")),
        )
        return StepCosts(unknown, unknown, bound.astype(np.int8))


def refuse_too_few(layout: Layout, whole: ModelGemms, partner: Partner) -> None:
    """Refuse LPUs whose SRAM does not hold the feed-forward weights."""
    usable = partner.machine.capacity * partner.execution.usable_sram
    weights = _feed_forward_bytes(layout, whole, active=False)
    needed = ceil(weights / usable)
    if needed > partner.devices:
        have = partner.devices * usable
        raise DoesNotFitError(
            f"the feed-forward weights of {layout.card.name} ({layout.weight_dtype}) take"
            f" {weights / 1e9:,.1f} GB, but {partner.devices} x {partner.machine.name} hold"
            f" {have / 1e9:,.1f} GB ({usable / 1e6:,.0f} MB each); the fewest that hold them are {needed}",
            key="latency.devices",
        )


def _feed_forward_bytes(layout: Layout, whole: ModelGemms, *, active: bool) -> float:
    """Feed-forward weights of all layers: of the experts those one token visits, or all [bytes]."""
    dense = [gemm for gemm in whole.dense if gemm.role not in _ON_GPUS]
    total = sum(gemm.weights * layout.weight_size(gemm.role) for gemm in dense)
    if whole.experts is not None:
        experts = whole.experts.active if active else whole.experts.experts
        one = whole.experts.weights_per_expert * whole.experts.gate_up.layers
        total += experts * one * layout.weight_size("expert_down")
    return total
