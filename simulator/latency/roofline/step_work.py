"""Times of the parts of a step on one device [s], as functions of the step's aggregates.

Tokens of a step are shared by the data-parallel ranks and, as micro-batches in steady state, by
the pipeline stages: with ``ways = data * pipeline``, a device sees a ``1/ways`` part of
them in every one of the model's layers (a pipeline of p stages working on p micro-batches advances
all of them by one step in the time that all layers take for one).

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
from simulator.latency.roofline.terms import busiest_rank, decode_attention_s, experts_s, gemm_s
from simulator.models.accounting import experts_touched
from simulator.models.attention import AttentionGroup
from simulator.models.gemms import Gemm
from simulator.models.precision import bytes_per_value
from simulator.scenario.engine_versions import Sampler

#: Bytes of one activation value, computed and on the wire.
_ACTIVATION_BYTES = 2
#: Prompt tokens that one block of prefill attention works on.
PROMPT_TILE = 128
#: Linear layers keep their state in 32 bits and read and write it in every step.
_STATE_BYTES = 2 * 4


@dataclass(frozen=True, slots=True)
class Routing:
    """How tokens choose their experts.

    ``diversity`` is the share of a step's tokens that choose independently of each other: real prompts do,
    random ones and the loops that models fall into after them choose alike. ``spread`` is how far the loads
    of expert-parallel ranks scatter, in units of pure chance: popular experts lie together.

    Defaults: fitted to mixture-of-experts models of ML.ENERGY (real prompts, vLLM 0.11.1). The InferenceX and
    aiconfigurator benchmarks (random prompts) show 0.8 and 0.3.
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
    head_norm_ns: float = 0.0

    @property
    def ways(self) -> int:
        """Parts that the tokens of a step are cut into."""
        return self.layout.data * self.layout.pipeline

    def body_s(self, tokens: int) -> float:
        """Everything that depends on the number of tokens alone: products, experts, the rest of
        the layers and exchange. ``tokens`` are those of one micro-batch on one rank."""
        compute = self.launch_s + self.dense_s(tokens) + self.experts_s(tokens) + self._rest_s(tokens)
        if self.eager:
            compute = max(compute, self.layout.card.layers * self.constants.host.eager_layer_us * 1e-6)
        return compute + self.exchange_s(tokens)

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
        experts = self.layout.gemms.experts
        if experts is None:
            return 0.0
        together, ranks, routing = tokens * self.layout.data, self.layout.expert, self.routing
        independent = together * routing.diversity
        touched = experts_touched(experts.experts, experts.active, independent) / experts.experts
        local = experts.local_experts
        visited = busiest_rank(touched * local, ranks, routing.spread, local, touched)
        mean_visits = together * experts.active / ranks
        crowd = busiest_rank(independent * experts.active / ranks, ranks, routing.spread, inf)
        crowd *= self.constants.experts.imbalance if ranks > 1 else 1.0
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
        return experts.gate_up.layers * one_layer

    def _rest_s(self, tokens: int) -> float:
        """Traffic of norms, rotary embedding, activation and cache write."""
        per_layer = self.constants.layer.hidden_bytes * tokens * self.layout.card.hidden
        moving = self.layout.card.layers * per_layer / self.machine.bandwidth
        if not self.layout.card.qk_norm:
            return moving
        heads = sum(group.layers * (group.heads + group.kv_heads) for group in self.layout.attention)
        return moving + heads * tokens * self.head_norm_ns * 1e-9

    def exchange_s(self, tokens: int) -> float:
        """All-reduces after attention and after the feed-forward part, and hops between stages.

        Experts on several data-parallel ranks gather and scatter the tokens of all of them,
        which moves as much as one all-reduce.
        """
        layout, all_reduce = self.layout, self.machine.all_reduce_s
        size = tokens * layout.card.hidden * _ACTIVATION_BYTES
        per_tensor = all_reduce(layout.tensor, size) if layout.tensor > 1 else 0.0
        expert_layers = 0
        experts = layout.gemms.experts
        if experts is not None and layout.data > 1:
            expert_layers = experts.gate_up.layers
        total = (2 * layout.card.layers - expert_layers) * per_tensor
        if expert_layers:
            total += expert_layers * all_reduce(layout.tensor * layout.data, size * layout.data)
        if layout.pipeline > 1:
            total += (layout.pipeline - 1) * all_reduce(2, size)
        return total

    def decode_attention_s(self, sequences: float, context: float) -> float:
        """What varies in the attention of one-token entries, all layers."""
        ways = min(self.ways, max(sequences, 1.0))
        return sum(
            group.layers * self._group_decode_s(group, sequences / ways, context / ways)
            for group in self.layout.attention
        )

    def _group_decode_s(self, group: AttentionGroup, sequences: float, context: float) -> float:
        attended = sequences * group.attended(context / sequences) if sequences else 0.0
        cache = attended * group.kv_values_per_token * bytes_per_value(self.layout.kv_dtype)
        cache += sequences * group.state_values * _STATE_BYTES
        return decode_attention_s(
            self.constants.decode_attention,
            cache,
            sequences * group.kv_heads,
            attended * group.decode_flops_per_product,
            self.machine.bandwidth,
            self.machine.product_flops("bf16"),
        )

    def mixed_s(self) -> float:
        """What all layers take longer where a step also prefills: attention is outside the CUDA graph."""
        return self.layout.card.layers * self.constants.layer.mixed_us * 1e-6

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
        return tuple(
            (group.layers * group.prefill_flops_per_product / (rate * self.ways), _seen_at_most(group))
            for group in self.layout.attention
        )


def _seen_at_most(group: AttentionGroup) -> float:
    if group.window is None:
        return inf
    return group.window / 2 if group.kind == "chunked" else float(group.window)
