"""The matrix products of one forward pass, as one device of a parallel group sees them.

Every weight matrix of the model appears once, with ``n`` outputs and ``k`` inputs on this
device and the number of layers that have it. Column-parallel matrices (qkv, gate, up, the
head) are cut in ``n``, row-parallel ones (o, down) in ``k``, as in Megatron-LM (arXiv
1909.08053) and vLLM; what MLA projects into the latent space is on every device.

Experts lie on the ``tensor * data`` devices that share a layer: spread over ``expert``
of them, each expert cut over the rest. With ``expert=1`` every expert is cut over all of
them, as vLLM does without expert parallelism.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

from simulator.errors import InputError
from simulator.models.attention import check_complete, check_tensor_parallel, head_shape
from simulator.models.card import LatentAttention, LinearAttention, ModelCard

Role = Literal[
    "qkv",
    "o",
    "latent_a",
    "q_b",
    "kv_b",
    "linear_in",
    "linear_out",
    "gate_up",
    "down",
    "router",
    "shared_gate_up",
    "shared_down",
    "expert_gate_up",
    "expert_down",
    "lm_head",
]


@dataclass(frozen=True, slots=True)
class Gemm:
    """One weight matrix: T tokens cost ``2 T n k`` FLOPs in each of ``layers`` layers."""

    role: Role
    n: int
    k: int
    layers: int

    @property
    def weights(self) -> int:
        """Weights on this device in all its layers."""
        return self.n * self.k * self.layers


@dataclass(frozen=True, slots=True)
class ExpertGemms:
    """The routed experts on one device.

    Attributes
    ----------
    experts, local_experts
        In the model, and on this device (rounded up).
    active
        Experts a token visits.
    gate_up, down
        The two products of one expert; their ``layers`` are the MoE layers.
    """

    experts: int
    local_experts: int
    active: int
    gate_up: Gemm
    down: Gemm

    @property
    def weights_per_expert(self) -> int:
        """Weights of one expert on this device in one layer."""
        return self.gate_up.n * self.gate_up.k + self.down.n * self.down.k

    @property
    def weights(self) -> int:
        """Weights of all experts on this device in all layers."""
        return self.local_experts * self.weights_per_expert * self.gate_up.layers


@dataclass(frozen=True, slots=True)
class ModelGemms:
    """All matrix products of a model on one device.

    ``dense`` ones process every token of a step, ``experts`` the tokens routed to them, and
    ``lm_head`` one token per sequence that samples.
    """

    dense: tuple[Gemm, ...]
    experts: ExpertGemms | None
    lm_head: Gemm


def model_gemms(card: ModelCard, tensor: int = 1, data: int = 1, expert: int = 1) -> ModelGemms:
    """The matrix products of ``card`` on one device of the given parallel group.

    Raises
    ------
    InputError
        Where the heads or the experts cannot be divided like that.
    """
    check_complete(card)
    check_tensor_parallel(card, tensor)
    return ModelGemms(
        dense=(*_attention(card, tensor), *_feed_forward(card, tensor)),
        experts=_experts(card, tensor * data, expert),
        lm_head=Gemm("lm_head", ceil(card.vocab / tensor), card.hidden, 1),
    )


def _attention(card: ModelCard, tensor: int) -> tuple[Gemm, ...]:
    if card.mla is not None:
        return _latent_attention(card, card.mla, tensor)
    kinds = card.attention_layers
    if kinds is None:
        return _grouped_query(card, tensor, *head_shape(card, "full"), card.layers)
    gemms = _grouped_query(card, tensor, *head_shape(card, "full"), kinds.full, kinds.full_shares_kv)
    gemms += _grouped_query(card, tensor, *head_shape(card, "sliding"), kinds.sliding + kinds.chunked)
    if kinds.linear and card.linear_attention is not None:
        gemms += _linear_attention(card.hidden, card.linear_attention, tensor, kinds.linear)
    return gemms


def _grouped_query(
    card: ModelCard, tensor: int, kv_heads: int, head_dim: int, layers: int, shares_kv: bool = False
) -> tuple[Gemm, ...]:
    if not layers:
        return ()
    heads = card.heads // tensor
    query_parts = 2 if card.attention_output_gate else 1
    kv_parts = 1 if shares_kv else 2
    qkv = (query_parts * heads + kv_parts * ceil(kv_heads / tensor)) * head_dim
    return (Gemm("qkv", qkv, card.hidden, layers), Gemm("o", card.hidden, heads * head_dim, layers))


def _latent_attention(card: ModelCard, mla: LatentAttention, tensor: int) -> tuple[Gemm, ...]:
    heads = card.heads // tensor
    query = heads * (mla.nope_dim + mla.rope_dim)
    cached = mla.kv_lora_rank + mla.rope_dim
    if mla.q_lora_rank is None:
        into = (
            Gemm("qkv", query, card.hidden, card.layers),
            Gemm("latent_a", cached, card.hidden, card.layers),
        )
    else:
        into = (
            Gemm("latent_a", mla.q_lora_rank + cached, card.hidden, card.layers),
            Gemm("q_b", query, mla.q_lora_rank, card.layers),
        )
    return (
        *into,
        Gemm("kv_b", heads * (mla.nope_dim + mla.v_head_dim), mla.kv_lora_rank, card.layers),
        Gemm("o", card.hidden, heads * mla.v_head_dim, card.layers),
    )


def _linear_attention(hidden: int, linear: LinearAttention, tensor: int, layers: int) -> tuple[Gemm, ...]:
    """Gated delta rule: queries, keys, values, an output gate, and a decay and a step size per value head."""
    keys = ceil(linear.key_heads / tensor) * linear.key_dim
    value_heads = ceil(linear.value_heads / tensor)
    values = value_heads * linear.value_dim
    return (
        Gemm("linear_in", 2 * keys + 2 * values + 2 * value_heads, hidden, layers),
        Gemm("linear_out", hidden, values, layers),
    )


def _feed_forward(card: ModelCard, tensor: int) -> tuple[Gemm, ...]:
    moe = card.moe
    if moe is None:
        return _gated(card.hidden, card.ffn or 0, tensor, card.layers, "gate_up", "down")
    gemms: tuple[Gemm, ...] = ()
    if moe.dense_layers:
        gemms += _gated(card.hidden, card.ffn or 0, tensor, moe.dense_layers, "gate_up", "down")
    layers = moe_layers(card)
    gemms += (Gemm("router", moe.experts, card.hidden, layers),)
    if moe.shared_experts:
        width = moe.shared_experts * moe.shared_ffn
        gemms += _gated(card.hidden, width, tensor, layers, "shared_gate_up", "shared_down")
    return gemms


def _gated(hidden: int, width: int, ways: int, layers: int, into: Role, back: Role) -> tuple[Gemm, Gemm]:
    own = ceil(width / ways)
    return Gemm(into, 2 * own, hidden, layers), Gemm(back, hidden, own, layers)


def moe_layers(card: ModelCard) -> int:
    """Layers with routed experts."""
    if card.moe is None:
        return 0
    return card.moe.moe_layers or card.layers - card.moe.dense_layers


def _experts(card: ModelCard, devices: int, expert: int) -> ExpertGemms | None:
    moe = card.moe
    if moe is None:
        return None
    if expert < 1 or devices % expert or expert > moe.experts:
        raise InputError(
            f"the {moe.experts} experts of {card.id} cannot be spread {expert} ways over {devices} devices; "
            f"the expert-parallel degree must divide tensor x data = {devices} and not exceed the experts"
        )
    assert moe.active_experts is not None
    into, back = _gated(
        card.hidden, moe.expert_ffn, devices // expert, moe_layers(card), "expert_gate_up", "expert_down"
    )
    return ExpertGemms(moe.experts, ceil(moe.experts / expert), moe.active_experts, into, back)
