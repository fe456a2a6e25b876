"""Decode offload: GPUs keep prompts, cache and attention; devices beside them hold the feed-forward weights.

They may be LPUs or GPUs of any kind (attention/FFN disaggregation). NVIDIA pairs Groq 3 LPX racks with Vera
Rubin this way (GTC 2026). Every layer of a decode step crosses the link twice:

    layer = attention on the GPUs + hop + feed-forward on the LPUs + hop
    attention    = fixed + (attention weights + cache) / (GPUs * HBM bandwidth * efficiency)
    hop          = link latency + sequences * hidden * 2 bytes / link bandwidth
    feed-forward = layer_us [+ expert_layer_us] + sequences * active bytes / (LPUs of the layer * SRAM
                   bandwidth * weight_efficiency)

Attention weights are read once for the batch from HBM; the LPUs work on one token after another. The LM head
stays on the GPUs. Prompts run on the GPUs alone, whose memory holds the whole model as well; in a mixed step
they come before the decodes.

On GPUs beside the GPUs the feed-forward part is a roofline of its own: the weights of all experts that some
token visits are streamed once for the batch, or its products count, over all devices evenly:

    feed-forward = fixed + max(bytes / (GPUs * bandwidth * efficiency), FLOPs / (GPUs * peak * efficiency))

A batch can be cut into m micro-batches that take turns on both sides (ping-pong, MegaScale-Infer, arXiv
2504.02263): attention of one, feed-forward of another and hops of a third at the same time. With times a, f
and h of one micro-batch in all layers a step then takes

    max(a + f + h, m a, m f, m h)          instead of          a + f + h          of the whole batch

Nothing measured is public for such a pair: the GPU's efficiencies, the LPU's constants and the link are
estimates, and every result says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from simulator.errors import DoesNotFitError
from simulator.hardware.execution import SramPipelineExecution
from simulator.latency.context_lines import DecodeLines
from simulator.latency.layout import Layout
from simulator.latency.machine import Machine
from simulator.latency.pricer import BOUNDS, StepColumns, StepCosts, StepPricer, passage_of
from simulator.models.accounting import experts_touched
from simulator.models.gemms import ModelGemms, model_gemms, moe_layers
from simulator.models.precision import bytes_per_value
from simulator.units.clock import NS_PER_S

_ACTIVATION_BYTES = 2
#: Share of the HBM bandwidth that weights and cache are read at in attention, and its launches in a layer
#: [s]: as on the profiled GPUs (estimates).
_BANDWIDTH_EFFICIENCY = 0.8
_ATTENTION_FIXED_S = 15e-6
#: Latency of one crossing of the link where the scenario states none [s], an estimate.
LINK_S = 2e-6
#: Share of the peak that feed-forward products reach on GPUs, and of their memory that weights may take
#: (estimates).
_COMPUTE_EFFICIENCY, _USABLE_MEMORY = 0.6, 0.9
#: Matrices that stay on the GPUs.
_ON_GPUS = frozenset({"qkv", "o", "latent_a", "q_b", "kv_b", "linear_in", "linear_out", "router"})


@dataclass(frozen=True, slots=True)
class Partner:
    """The devices beside one replica.

    Attributes
    ----------
    devices
        How many.
    link_bandwidth, link_s
        Of the way between both, one way: all of the replica's links together [bytes/s], latency [s].
    execution
        Of LPUs; None for GPUs, which stream their weights.
    micro_batches
        That take turns on both sides.
    """

    machine: Machine
    execution: SramPipelineExecution | None
    devices: int
    link_bandwidth: float
    link_s: float
    micro_batches: int = 1


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
        self._whole = model_gemms(layout.card)
        refuse_too_few(layout, self._whole, partner)
        self._attention_s = self._attention_weights_s()
        self.decode_line = DecodeLines(self._decode_ns).line
        #: See `latency.pricer.passage_of`.
        self.through_ns = passage_of(alone)

    def _attention_weights_s(self) -> float:
        """Attention weights and LM head, read once per step."""
        layout = self._layout
        gemms = [gemm for gemm in layout.gemms.dense if gemm.role in _ON_GPUS] + [layout.gemms.lm_head]
        read = sum(gemm.weights * layout.weight_size(gemm.role) for gemm in gemms)
        return read / (self._gpu.bandwidth * _BANDWIDTH_EFFICIENCY)

    def _launches_s(self) -> float:
        """Launches and exchange of attention, all layers."""
        layout = self._layout
        gpu_s = _ATTENTION_FIXED_S
        if layout.tensor > 1:
            gpu_s += self._gpu.all_reduce_s(layout.tensor, layout.card.hidden * _ACTIVATION_BYTES)
        return layout.card.layers * gpu_s

    def _feed_forward_s(self, tokens: int) -> float:
        """The feed-forward parts of all layers for so many tokens of each data-parallel rank."""
        layout, partner = self._layout, self._partner
        execution, layers = partner.execution, layout.card.layers
        if execution is not None:  # one token after another, each layer on its share of the LPUs
            own_us = layers * execution.layer_us + moe_layers(layout.card) * execution.expert_layer_us
            rate = partner.devices / layers * partner.machine.bandwidth * execution.weight_efficiency
            return own_us * 1e-6 + tokens * _feed_forward_bytes(layout, self._whole, active=1.0) / rate
        together = tokens * layout.data
        visited = 1.0
        if self._whole.experts is not None:
            experts = self._whole.experts
            visited = experts_touched(experts.experts, experts.active, together) / experts.active
        streamed = _feed_forward_bytes(layout, self._whole, active=visited)
        once = _feed_forward_bytes(layout, self._whole, active=1.0)
        operations = 2.0 * together * once / layout.weight_size("down")
        machine = partner.machine
        peak = machine.product_flops(layout.weight_dtype) * partner.devices * _COMPUTE_EFFICIENCY
        bandwidth = machine.bandwidth * partner.devices * _BANDWIDTH_EFFICIENCY
        return layers * _ATTENTION_FIXED_S + max(streamed / bandwidth, operations / peak)

    def _hops_s(self, tokens: int) -> float:
        """Two hops in every layer."""
        size = tokens * self._layout.card.hidden * _ACTIVATION_BYTES
        partner = self._partner
        return 2 * self._layout.card.layers * (partner.link_s + size / partner.link_bandwidth)

    def _parts_s(self, sequences: float, context: float) -> tuple[float, float, float]:
        """Attention, feed-forward and hops of a batch, all layers."""
        local = ceil(sequences / (self._layout.data * self._layout.pipeline))
        cache_s = self._cache_bytes(sequences, context) / (self._gpu.bandwidth * _BANDWIDTH_EFFICIENCY)
        attention = self._launches_s() + self._attention_s + cache_s
        return attention, self._feed_forward_s(local), self._hops_s(local)

    def _decode_ns(self, sequences: int, context: int) -> float:
        whole = sum(self._parts_s(sequences, context))
        micro = min(self._partner.micro_batches, sequences)
        if micro == 1:
            return NS_PER_S * whole
        one = self._parts_s(sequences / micro, context / micro)
        return NS_PER_S * min(whole, max(sum(one), micro * max(one)))

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
        time = 0.0
        if decode_sequences:
            line = self.decode_line(decode_sequences, decode_context)
            time += line.step_ns(decode_sequences, decode_context)
        if decode_tokens > decode_sequences:  # drafts: more tokens beside the same cache
            more = [self._feed_forward_s(n) + self._hops_s(n) for n in (decode_tokens, decode_sequences)]
            time += NS_PER_S * (more[0] - more[1])
        if prefill_tokens:
            time += self._alone.step_ns(
                prefill_tokens, prefill_sequences, prefill_context, prefill_products, 0, 0, 0
            )
        return int(time)

    def costs(self, steps: StepColumns) -> StepCosts:
        """See `StepPricer`: the draw of the pair is not known."""
        unknown = np.full(len(steps.duration_ns), np.nan)
        seconds = steps.duration_ns / NS_PER_S
        moving = steps.decode_tokens * (self._hops_s(1) - self._hops_s(0)) > 0.5 * seconds
        bound = np.where(
            steps.prefill_tokens > 0,
            BOUNDS.index("compute"),
            np.where(moving, BOUNDS.index("network"), BOUNDS.index("pipeline")),
        )
        return StepCosts(unknown, unknown, bound.astype(np.int8))


def refuse_too_few(layout: Layout, whole: ModelGemms, partner: Partner) -> None:
    """Refuse devices whose memory does not hold the feed-forward weights."""
    execution = partner.execution
    share = _USABLE_MEMORY if execution is None else execution.usable_sram
    usable = partner.machine.capacity * share
    experts = whole.experts
    weights = _feed_forward_bytes(
        layout, whole, active=1.0 if experts is None else experts.experts / experts.active
    )
    needed = ceil(weights / usable)
    if needed > partner.devices:
        have = partner.devices * usable
        raise DoesNotFitError(
            f"the feed-forward weights of {layout.card.name} ({layout.weight_dtype}) take"
            f" {weights / 1e9:,.1f} GB, but {partner.devices} x {partner.machine.name} hold"
            f" {have / 1e9:,.1f} GB ({usable / 1e6:,.0f} MB each); the fewest that hold them are {needed}",
            key="latency.devices",
        )


def _feed_forward_bytes(layout: Layout, whole: ModelGemms, *, active: float) -> float:
    """Feed-forward weights of all layers [bytes]; of experts ``active`` times as many as one token visits."""
    dense = [gemm for gemm in whole.dense if gemm.role not in _ON_GPUS]
    total = sum(gemm.weights * layout.weight_size(gemm.role) for gemm in dense)
    if whole.experts is not None:
        one = whole.experts.weights_per_expert * whole.experts.gate_up.layers
        total += active * whole.experts.active * one * layout.weight_size("expert_down")
    return total
