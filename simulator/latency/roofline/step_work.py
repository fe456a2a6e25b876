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
from math import ceil, inf

from simulator.latency.layout import Layout
from simulator.latency.machine import Machine
from simulator.latency.roofline.constants import RooflineConstants
from simulator.latency.roofline.terms import decode_attention_s, experts_s, gemm_s
from simulator.models.accounting import experts_touched
from simulator.models.attention import AttentionGroup
from simulator.models.gemms import Gemm
from simulator.models.precision import bytes_per_value
from simulator.scenario.backend import Sampler

#: Bytes of one activation value on the wire.
_ACTIVATION_BYTES = 2
#: Linear layers keep their state in 32 bits and read and write it in every step.
_STATE_BYTES = 2 * 4


@dataclass(frozen=True)
class StepWork:
    """The parts of a step for one layout on one machine."""

    layout: Layout
    machine: Machine
    constants: RooflineConstants
    sampler: Sampler
    eager: bool

    @property
    def ways(self) -> int:
        """Parts that the tokens of a step are cut into."""
        return self.layout.data * self.layout.pipeline

    def body_s(self, tokens: int) -> float:
        """Everything that depends on the number of tokens alone: products, experts, the rest of
        the layers and exchange. ``tokens`` are those of one micro-batch on one rank."""
        compute = self.dense_s(tokens) + self.experts_s(tokens) + self._rest_s(tokens)
        compute += self._fixed_attention_s()
        if self.eager:
            compute = max(compute, self.layout.card.layers * self.constants.host.eager_layer_us * 1e-6)
        return compute + self.exchange_s(tokens)

    def head_s(self, sequences: int) -> float:
        """The LM head and sampling for the sequences that sample."""
        local = ceil(sequences / self.ways)
        vocabulary = self.layout.card.vocab
        return self._gemm_s(self.layout.gemms.lm_head, local) + self.sampling_s_per_entry * local * vocabulary

    @property
    def sampling_s_per_entry(self) -> float:
        """Sampling per sequence and vocabulary entry [s]; nothing where sampling is greedy."""
        sampling = self.constants.sampling
        per_entry_ns = {
            "greedy": 0.0,
            "sort": sampling.sort_ns,
            "triton": sampling.triton_ns,
            "flashinfer": sampling.flashinfer_ns,
        }
        return per_entry_ns[self.sampler] * 1e-9

    def dense_s(self, tokens: int) -> float:
        """All dense products of all layers."""
        return sum(gemm.layers * self._gemm_s(gemm, tokens) for gemm in self.layout.gemms.dense)

    def _gemm_s(self, gemm: Gemm, tokens: int) -> float:
        stored = self.layout.weight_size(gemm.role)
        dtype = self.layout.weight_dtype if stored < 2 else "bf16"
        return gemm_s(
            self.constants.gemm_for(dtype),
            gemm.n,
            gemm.k,
            tokens,
            stored,
            self.machine.bandwidth,
            self.machine.product_flops(dtype),
        )

    def experts_s(self, tokens: int) -> float:
        """All routed experts of all layers; they see the tokens of all data-parallel ranks."""
        experts = self.layout.gemms.experts
        if experts is None:
            return 0.0
        together = tokens * self.layout.data
        share = experts_touched(experts.experts, experts.active, together) / experts.experts
        per_expert = experts.weights_per_expert
        read = share * experts.local_experts * per_expert * self.layout.weight_size("expert_down")
        ranks = self.layout.expert
        imbalance = self.constants.experts.imbalance if ranks > 1 else 1.0
        flops = 2.0 * together * experts.active / ranks * imbalance * per_expert
        one_layer = experts_s(
            self.constants.experts,
            min(
                read * imbalance, experts.local_experts * per_expert * self.layout.weight_size("expert_down")
            ),
            flops,
            self.machine.bandwidth,
            self.machine.product_flops(self.layout.weight_dtype),
        )
        return experts.gate_up.layers * one_layer

    def _rest_s(self, tokens: int) -> float:
        """Norms, rotary embedding, activation, cache write and launches."""
        layer = self.constants.layer
        moved = layer.hidden_bytes * tokens * self.layout.card.hidden / self.machine.bandwidth
        return self.layout.card.layers * (layer.fixed_us * 1e-6 + moved)

    def _fixed_attention_s(self) -> float:
        return self.layout.card.layers * self.constants.decode_attention.fixed_us * 1e-6

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

    def prompt_terms(self) -> tuple[tuple[float, float], ...]:
        """Attention of prompt tokens: (seconds per product, most tokens attended to) per kind of layer.

        With P prompt tokens of S sequences, their causal triangle ``A = sum n (s + n/2)`` and its
        edge ``E = sum (s + n/2)``, the layers of a kind take

            seconds * (min(A, P * limit) + ramp_tokens * min(E, S * limit))

        The launch is part of the body. A chunked layer sees half a chunk on average.
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
