"""Times of the parts of a step on one device [s], as functions of the step's aggregates.

Tokens of a step are shared by the data-parallel ranks and, as micro-batches in steady state, by
the pipeline stages: with m batches in flight in a pipeline and ``ways = data * m``, a device sees a
``1/ways`` part of them. A pipeline of p stages advances all m batches by one step in the time that all
layers take for one; with m = p no stage waits, with fewer p - m stages do at any time (bubbles). All wait
for the longest stage. A step is as long as it keeps a stage busy; a prompt is on one rank and in one batch
and passes all stages, so its first token comes later than its step ends (`RooflinePricer.through_ns`).
Context-parallel ranks share the tokens of prompts and the cache of every sequence.

Approximations, since only sums over the batch are known: a windowed layer reads
``sequences * min(mean context, window)`` tokens; the squares in the causal triangle of a
prompt are ``sum n^2 = prefill_tokens^2 / prefill_sequences`` (exact for equal chunks).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ceil, inf

from simulator.hardware.execution import Gemm as GemmConstants
from simulator.hardware.execution import Program
from simulator.latency.layout import Layout
from simulator.latency.machine import Machine
from simulator.latency.roofline.constants import RooflineConstants
from simulator.latency.roofline.expert_exchange import copies_sent
from simulator.latency.roofline.releases import CURRENT_KERNELS, EarlyKernels
from simulator.latency.roofline.terms import (
    busiest_rank,
    decode_attention_s,
    experts_s,
    gemm_s,
    longest_share,
    mixed_decode_s,
)
from simulator.models.accounting import experts_touched
from simulator.models.attention import AttentionGroup
from simulator.models.gemms import Gemm
from simulator.models.precision import bytes_per_value
from simulator.scenario.engine import ExpertExchange
from simulator.scenario.engine_versions import Sampler

#: Bytes of one activation value, computed and on the wire.
_ACTIVATION_BYTES = 2
#: Prompt tokens that one block of prefill attention works on.
PROMPT_TILE = 128
#: Kinds of attention whose decodes never share a kernel with prompts.
_OWN_KERNELS = ("latent", "linear")
#: Linear layers keep their state in 32 bits and read and write it in every step.
_STATE_BYTES = 2 * 4


@dataclass(frozen=True, slots=True)
class Routing:
    """How tokens choose their experts.

    ``diversity`` is the share of a step's tokens that choose independently of each other: real prompts do,
    random ones and the loops that models fall into after them choose alike. ``spread`` is how far the loads
    of expert-parallel ranks scatter, in units of pure chance: popular experts lie together.

    Defaults: fitted to mixture-of-experts models of ML.ENERGY (real prompts, vLLM 0.11.1). The InferenceX and
    aiconfigurator benchmarks (random prompts) show 0.8 and 0.5.
    """

    diversity: float = 0.82
    spread: float = 1.45


@dataclass(frozen=True, slots=True)
class _Product:
    """A dense product on one machine: what does not depend on the number of tokens."""

    gemm: Gemm
    constants: GemmConstants
    stored: float
    bandwidth: float
    peak: float

    def seconds(self, tokens: int) -> float:
        """Once, for so many tokens [s]; the launch aside."""
        gemm = self.gemm
        return gemm_s(self.constants, gemm.n, gemm.k, tokens, self.stored, self.bandwidth, self.peak)


@dataclass(frozen=True)
class StepWork:
    """The parts of a step for one layout on one machine."""

    layout: Layout
    machine: Machine
    constants: RooflineConstants
    sampler: Sampler
    eager: bool
    program: Program = "vllm"
    routing: Routing = Routing()
    kernels: EarlyKernels = CURRENT_KERNELS
    expert_exchange: ExpertExchange = "allgather_reducescatter"
    overlaps_halves: bool = False

    @property
    def ways(self) -> int:
        """Parts that the tokens of a step are cut into, one on each rank of each batch in flight."""
        return self.layout.data * self.layout.in_flight

    @property
    def shares(self) -> int:
        """Devices over which the work of all layers is spread, tensor parallelism aside."""
        return self.layout.data * self.layout.pipeline * self.layout.context

    def body_s(self, tokens: int) -> float:
        """Everything that depends on the number of tokens alone: products, experts, the rest of
        the layers and exchange. ``tokens`` are those of one micro-batch on one rank.

        Where half batches take turns, both read all weights, and the exchange counts only as far as
        it takes longer than the products (attention, which would hide some more of it, does not count
        here). They do so where it pays.
        """
        one = self._layers_s(tokens) + self.exchange_s(tokens)
        if not self.overlaps_halves or tokens < 2:
            return one
        half = ceil(tokens / 2)
        return min(one, 2 * max(self._layers_s(half), self.exchange_s(half)))

    def _layers_s(self, tokens: int) -> float:
        compute = self.launch_s + self.dense_s(tokens) + self.experts_s(tokens) + self._rest_s(tokens)
        if self.eager:
            compute = max(compute, self.layout.card.layers * self.constants.host.eager_layer_us * 1e-6)
        return compute * self.layout.longest_stage

    def head_s(self, sequences: int) -> float:
        """The LM head and sampling for the sequences that sample."""
        local = ceil(sequences / self.ways)
        head = self.layout.gemms.lm_head
        product = self._product(head)
        return product.constants.fixed_us * 1e-6 + product.seconds(local) + self.sampling_s(local)

    @cached_property
    def launch_s(self) -> float:
        """What the layers take however little there is to do: launches, and kernels that start and end."""
        layer, card = self.constants.layer, self.layout.card
        total_us = card.layers * layer.fixed_us
        total_us += sum(product.gemm.layers * product.constants.fixed_us for product in self._dense)
        experts = self.layout.gemms.experts
        if experts is not None:
            total_us += experts.gate_up.layers * self.constants.experts.fixed_us
        for group in self.layout.attention:
            linear = group.kind == "linear"
            total_us += group.layers * (
                layer.linear_us if linear else self.constants.decode_attention.fixed_us
            )
        if card.sparse_attention_tokens is not None:
            total_us += card.layers * layer.indexer_us
        return total_us * 1e-6 * layer.launch_share.get(self.program, 1.0)

    def sampling_s(self, sequences: int) -> float:
        """Choosing a token for each sequence; nothing where sampling is greedy."""
        sampling, card = self.constants.sampling, self.layout.card
        fixed_us, entry_ns = {
            "greedy": (0.0, 0.0),
            "sort": (sampling.sort_us, sampling.sort_ns),
            "triton": (sampling.triton_us, sampling.triton_ns),
            "flashinfer": (sampling.flashinfer_us, sampling.flashinfer_ns),
        }[self.sampler]
        entries = sequences * card.vocab
        total = fixed_us * 1e-6 + entry_ns * 1e-9 * entries
        if self.sampler != "greedy" and card.sampling is not None and card.sampling.penalised:
            passes = sampling.penalty_bytes * entries / self.machine.bandwidth
            total += sampling.penalty_us * 1e-6 + passes
        return total

    def dense_s(self, tokens: int) -> float:
        """All dense products of all layers."""
        return sum(product.gemm.layers * product.seconds(tokens) for product in self._dense)

    @cached_property
    def _dense(self) -> tuple[_Product, ...]:
        return tuple(map(self._product, self.layout.gemms.dense))

    def _product(self, gemm: Gemm) -> _Product:
        stored = self.layout.weight_size(gemm.role)
        dtype = self.layout.weight_dtype if stored < _ACTIVATION_BYTES else "bf16"
        machine = self.machine
        constants = self.constants.gemm_for(dtype)
        return _Product(gemm, constants, stored, machine.bandwidth, machine.product_flops(dtype))

    def experts_s(self, tokens: int) -> float:
        """All routed experts of all layers on the busiest rank, for the tokens of all data-parallel ranks.

        Tokens that are alike visit the same experts: ``diversity`` of them choose independently.
        """
        return self._experts_s(tokens, self.routing.spread, self.constants.experts.imbalance)

    def experts_wait_s(self, tokens: int) -> float:
        """How long the average rank waits in them for the busiest one."""
        return max(self.experts_s(tokens) - self._experts_s(tokens, 0.0, 1.0), 0.0)

    def _experts_s(self, tokens: int, spread: float, imbalance: float) -> float:
        experts = self.layout.gemms.experts
        if experts is None:
            return 0.0
        together, ranks = tokens * self.layout.data, self.layout.expert
        independent = together * self.routing.diversity
        touched = experts_touched(experts.experts, experts.active, independent) / experts.experts
        local = experts.local_experts
        visited = busiest_rank(touched * local, ranks, spread, local, touched)
        mean_visits = together * experts.active / ranks
        crowd = busiest_rank(independent * experts.active / ranks, ranks, spread, inf)
        crowd *= imbalance if ranks > 1 else 1.0
        visits = mean_visits * min(crowd / (independent * experts.active / ranks), ranks)
        per_expert, hidden = experts.weights_per_expert, self.layout.card.hidden
        one_layer = experts_s(
            self.constants.experts,
            visited * per_expert * self.layout.weight_size("expert_down"),
            visits * (2 * hidden + per_expert / hidden) * _ACTIVATION_BYTES,
            2.0 * visits * per_expert,
            self.machine.bandwidth,
            self.machine.product_flops(self.layout.weight_dtype),
        )
        slower = self.kernels.tile_factor(self.layout.weight_dtype, ranks, together, local)
        return experts.gate_up.layers * one_layer * slower

    def _rest_s(self, tokens: int) -> float:
        """Traffic of norms, rotary embedding, activation and cache write."""
        per_layer = self.constants.layer.hidden_bytes * tokens * self.layout.card.hidden
        moving = self.layout.card.layers * per_layer / self.machine.bandwidth
        if not self.layout.card.qk_norm:
            return moving
        heads = sum(group.layers * (group.heads + group.kv_heads) for group in self.layout.attention)
        return moving + heads * tokens * self.kernels.head_norm_ns * 1e-9

    def exchange_s(self, tokens: int) -> float:
        """Everything that the devices of a replica tell each other in a step.

        All-reduces after attention and after the feed-forward part among tensor-parallel ranks; the way
        of tokens to their experts and back among data-parallel ranks; the cache entries of new tokens
        among context-parallel ranks; and hops between pipeline stages.
        """
        layout = self.layout
        size = tokens * layout.card.hidden * _ACTIVATION_BYTES
        per_tensor = self.machine.all_reduce_s(layout.tensor, size) if layout.tensor > 1 else 0.0
        expert_layers = 0
        experts = layout.gemms.experts
        if experts is not None and layout.data > 1:
            expert_layers = experts.gate_up.layers
        total = (2 * layout.card.layers - expert_layers) * per_tensor
        if expert_layers:
            total += expert_layers * self._to_experts_s(tokens)
        if layout.context > 1:
            total += self._shared_context_s(tokens)
        if layout.pipeline > 1:
            total += (layout.pipeline - 1) * self._stage_hop_s(size)
        return total

    def _to_experts_s(self, tokens: int) -> float:
        """One layer: tokens of all data-parallel ranks to the ranks of their experts, and back.

        vLLM's default gathers and scatters the tokens of all ranks, which moves as much as one all-reduce.
        """
        layout, links = self.layout, self.machine.links
        devices = layout.tensor * layout.data
        if self.expert_exchange == "allgather_reducescatter" or links is None:
            size = tokens * layout.card.hidden * _ACTIVATION_BYTES
            return self.machine.all_reduce_s(devices, size * layout.data)
        experts = layout.gemms.experts
        assert experts is not None
        copies = copies_sent(self.expert_exchange, experts.active, devices, links.domain)
        values = tokens / layout.tensor * layout.card.hidden
        there = values * min(layout.weight_size("expert_down"), _ACTIVATION_BYTES)
        back = values * _ACTIVATION_BYTES
        ways = sum(links.personal_s(size * copies.local, size * copies.outer) for size in (there, back))
        return self.constants.layer.dispatch_us * 1e-6 + ways

    def _shared_context_s(self, tokens: int) -> float:
        """All layers: every rank gets the cache entries of the tokens of the others.

        Decodes combine partial outputs instead, taken to be as large.
        """
        assert self.machine.all_gather_s is not None
        size = bytes_per_value(self.layout.kv_dtype)
        return sum(
            group.layers
            * self.machine.all_gather_s(self.layout.context, tokens * group.kv_values_per_token * size)
            for group in self.layout.attention
            if group.kv_values_per_token
        )

    def _stage_hop_s(self, size: float) -> float:
        """From one stage to the next: over the network where a stage fills a domain."""
        layout, links = self.layout, self.machine.links
        distance = layout.tensor * layout.data * layout.context
        if links is None or distance < links.domain:
            return self.machine.all_reduce_s(2, size)
        return links.hop_s(distance, size)

    def decode_attention_s(self, sequences: float, context: float, queries: int = 1) -> float:
        """What varies in the attention of decodes, all layers.

        ``queries`` tokens of each, more than one where drafts are verified: the cache is read once for
        all of them, the products are made for each.
        """
        ways = min(self.ways, max(sequences, 1.0))
        return self.layout.longest_stage * sum(
            group.layers * self._group_decode_s(group, sequences / ways, context / ways, queries)
            for group in self.layout.attention
        )

    def mixed_attention_s(self, sequences: float, context: float) -> float:
        """The same in a step that also prefills."""
        ways = min(self.ways, max(sequences, 1.0))
        return self.layout.longest_stage * sum(
            group.layers * self._group_mixed_s(group, sequences / ways, context / ways)
            for group in self.layout.attention
        )

    def _group_mixed_s(self, group: AttentionGroup, sequences: float, context: float) -> float:
        alone = self._group_decode_s(group, sequences, context, 1)
        constants = self.constants.decode_attention
        if group.kind in _OWN_KERNELS:
            return alone * constants.mixed_batch_factor
        attended = sequences * group.attended(context / sequences) if sequences else 0.0
        flops = attended / self.layout.context * group.decode_flops_per_product
        return mixed_decode_s(constants, alone, flops, self._attention_peak)

    def empty_tile_s(self) -> float:
        """One tile of queries that a decode has beside a prompt and does not need, all heads and layers."""
        heads = sum(
            group.layers * group.heads for group in self.layout.attention if group.kind not in _OWN_KERNELS
        )
        stage = self.layout.longest_stage / self.ways
        return heads * self.constants.decode_attention.mixed_tile_ns * 1e-9 * stage

    def _group_decode_s(self, group: AttentionGroup, sequences: float, context: float, queries: int) -> float:
        attended = sequences * group.attended(context / sequences) if sequences else 0.0
        attended /= self.layout.context
        cache = attended * group.kv_values_per_token * bytes_per_value(self.layout.kv_dtype)
        cache += sequences * group.state_values * _STATE_BYTES
        return self._uneven(group, sequences) * decode_attention_s(
            self.constants.decode_attention,
            cache,
            sequences * group.kv_heads,
            queries * attended * group.decode_flops_per_product * self._padded_heads(group),
            self.machine.bandwidth,
            self._attention_peak,
        )

    @cached_property
    def _attention_peak(self) -> float:
        return self.machine.product_flops("bf16")

    def _padded_heads(self, group: AttentionGroup) -> float:
        """How many times more products a kernel computes that pads the query heads of latent attention."""
        return max(self.kernels.latent_heads / group.heads, 1.0) if self._latent_on_blackwell(group) else 1.0

    def _uneven(self, group: AttentionGroup, sequences: float) -> float:
        """How much longer latent attention takes where a kernel gives out whole sequences."""
        clusters = self.kernels.latent_clusters
        if not clusters or not sequences or not self._latent_on_blackwell(group):
            return 1.0
        return longest_share(sequences, clusters)

    def _latent_on_blackwell(self, group: AttentionGroup) -> bool:
        return group.kind == "latent" and "fp4" in self.machine.peak_flops

    def mixed_s(self) -> float:
        """What all layers take longer where a step also prefills: attention is outside the CUDA graph."""
        return self.layout.card.layers * self.constants.layer.mixed_us * 1e-6

    def prompt_launch_s(self) -> float:
        """The least a step with prompts takes on a GPU where no CUDA graph holds it [s].

        The host launches every kernel.
        """
        if not self.machine.family.startswith("gpu"):
            return 0.0
        return self.layout.card.layers * self.constants.host.prompt_layer_us.get(self.program, 0.0) * 1e-6

    def prompt_terms(self) -> tuple[tuple[float, float], ...]:
        """Attention of prompt tokens: (seconds per product, most tokens attended to) per kind of layer.

        With P prompt tokens of S sequences, their causal triangle ``A = sum n (s + n/2)`` and its
        edge ``E = sum (s + n/2)``, the layers of a kind take

            seconds * (min(A, P * limit) + ramp * min(E, S * limit))

        with the profile's ``ramp_tokens``, less in proportion where the new tokens fill no tile of
        queries (nearly all of the prompt was cached). The launch is part of the body. A chunked layer
        sees half a chunk on average.
        """
        rate = self.constants.prefill_attention.compute_efficiency * self.machine.product_flops("bf16")
        rate *= self.ways * self.layout.context / self.layout.longest_stage
        return tuple(
            (group.layers * group.prefill_flops_per_product / rate, _seen_at_most(group))
            for group in self.layout.attention
        )


def _seen_at_most(group: AttentionGroup) -> float:
    if group.window is None:
        return inf
    return group.window / 2 if group.kind == "chunked" else float(group.window)
