"""How many parameters and bytes a model has, worked out from its shape.

Matrices, embeddings and projection biases are counted, and the norms of each layer; the
vision tower, multi-token-prediction layers and indexers of sparse attention are not. The
totals agree with the published ones within 1.5 % for every shipped card.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from simulator.models.attention import AttentionGroup, attention_groups, head_shape
from simulator.models.card import ModelCard
from simulator.models.gemms import ModelGemms, model_gemms, moe_layers
from simulator.models.precision import QUANTISES_EVERYTHING, bytes_per_value, canonical_dtype


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameter counts of a whole model.

    Attributes
    ----------
    total
        Stored parameters; tied embeddings count once.
    active
        Those that take part in one token: all but the experts it does not visit.
    embedding
        The input table, of which a token reads one row, or 0 where it is tied to the head.
    per_expert
        One expert in all MoE layers.
    outside_experts
        Everything but the routed experts.
    """

    total: int
    active: int
    embedding: int
    per_expert: int
    outside_experts: int

    @property
    def read_per_token(self) -> int:
        """Parameters a decode step of one sequence must stream from memory."""
        return self.active - self.embedding


def count_parameters(card: ModelCard) -> Parameters:
    """Total and active parameters of ``card``."""
    gemms = model_gemms(card)
    embedding = 0 if card.tie_embeddings else card.vocab * card.hidden
    outside = sum(gemm.weights for gemm in gemms.dense) + gemms.lm_head.weights + embedding + _vectors(card)
    if gemms.experts is None:
        return Parameters(outside, outside, embedding, 0, outside)
    per_expert = gemms.experts.weights_per_expert * moe_layers(card) + _expert_bias(card)
    return Parameters(
        total=outside + gemms.experts.experts * per_expert,
        active=outside + gemms.experts.active * per_expert,
        embedding=embedding,
        per_expert=per_expert,
        outside_experts=outside,
    )


def _vectors(card: ModelCard) -> int:
    """Norms (two a layer and one at the end) and biases of the attention projections."""
    norms = (2 * card.layers + 1) * card.hidden
    biases = card.layers * card.hidden if card.output_bias else 0
    if card.qkv_bias and card.mla is None:
        kv_heads, head_dim = head_shape(card, "sliding")
        biases += card.layers * (card.heads + 2 * kv_heads) * head_dim
    return norms + biases


def _expert_bias(card: ModelCard) -> int:
    if not card.expert_bias or card.moe is None:
        return 0
    return moe_layers(card) * (2 * card.moe.expert_ffn + card.hidden)


def resolve_weight_dtype(card: ModelCard, dtype: str = "auto") -> str:
    """The canonical format of the weights; ``auto`` is the format they were published in."""
    return card.weight_dtype if dtype == "auto" else canonical_dtype(dtype)


def resolve_kv_dtype(dtype: str = "auto") -> str:
    """The canonical format of the KV cache; ``auto`` is bf16, vLLM's default for all formats of weights."""
    return "bf16" if dtype == "auto" else canonical_dtype(dtype)


def matrix_bytes_per_weight(card: ModelCard, dtype: str, role: str) -> float:
    """Bytes per weight of the matrices with this ``role`` (see ``simulator.models.gemms.Role``).

    Checkpoints in 8 bits or fewer keep embeddings, head and router in 16 bits, and some
    (gpt-oss) everything but the experts; llama.cpp's formats quantise all of it.
    """
    dtype = resolve_weight_dtype(card, dtype)
    if dtype in QUANTISES_EVERYTHING:
        return bytes_per_value(dtype)
    expert_role = role in ("expert_gate_up", "expert_down")
    quantised = expert_role if _experts_only(card, dtype) else role not in ("lm_head", "embedding", "router")
    return bytes_per_value(dtype if quantised else "bf16")


def _experts_only(card: ModelCard, dtype: str) -> bool:
    return card.quantised == "experts" and dtype == card.weight_dtype


def weight_bytes(card: ModelCard, dtype: str = "auto") -> float:
    """Bytes of all weights of the model [bytes]."""
    return device_weight_bytes(card, dtype)


def device_weight_bytes(
    card: ModelCard,
    dtype: str = "auto",
    tensor: int = 1,
    data: int = 1,
    expert: int = 1,
    pipeline: int = 1,
) -> float:
    """Bytes of the weights on the fullest device of a replica [bytes].

    Pipeline stages hold whole layers, ``ceil(layers / pipeline)`` at most, and the embedding
    or the head (with one stage, both).
    """
    gemms = model_gemms(card, tensor, data, expert)
    share = ceil(card.layers / pipeline) / card.layers
    layers = sum(gemm.weights * matrix_bytes_per_weight(card, dtype, gemm.role) for gemm in gemms.dense)
    if gemms.experts is not None:
        layers += gemms.experts.weights * matrix_bytes_per_weight(card, dtype, "expert_down")
        layers += gemms.experts.local_experts * _expert_bias(card) * 2
    head = gemms.lm_head.weights * matrix_bytes_per_weight(card, dtype, "lm_head")
    tables = head if card.tie_embeddings or pipeline > 1 else 2 * head
    return share * (layers + 2 * _vectors(card)) + tables


def read_bytes_per_step(card: ModelCard, gemms: ModelGemms, dtype: str, tokens: float) -> float:
    """Bytes of weights one step with ``tokens`` tokens streams on one device [bytes].

    Of the experts only the distinct ones that some token visits, assuming balanced routing.
    """
    matrices = (*gemms.dense, gemms.lm_head)
    read = sum(gemm.weights * matrix_bytes_per_weight(card, dtype, gemm.role) for gemm in matrices)
    if gemms.experts is not None:
        experts = gemms.experts
        touched = experts_touched(experts.experts, experts.active, tokens) / experts.experts
        read += touched * experts.weights * matrix_bytes_per_weight(card, dtype, "expert_down")
    return read


def experts_touched(experts: int, active: int, tokens: float) -> float:
    """Expected number of distinct experts that ``tokens`` tokens visit, each ``active`` of ``experts``.

    ``E (1 - (1 - k/E)^T)``: every token draws its experts at random, independent of the others.
    """
    if active >= experts:
        return float(experts) if tokens > 0 else 0.0
    return float(experts * (1.0 - (1.0 - active / experts) ** tokens))


@dataclass(frozen=True, slots=True)
class KvBytes:
    """Bytes the KV cache takes on one device.

    Attributes
    ----------
    full
        Per token of the context, in the layers that keep all of it [bytes/token].
    windowed
        (window [tokens], bytes per token) of each group of layers that keeps only the last
        ``window`` tokens of a sequence.
    state
        Per sequence, whatever its length (linear attention) [bytes].
    """

    full: float
    windowed: tuple[tuple[int, float], ...]
    state: float

    @property
    def per_token(self) -> float:
        """Bytes of one more token while the context is shorter than any window [bytes/token]."""
        return self.full + sum(size for _, size in self.windowed)

    def sequence(self, context: float) -> float:
        """Bytes a sequence of ``context`` tokens keeps [bytes]."""
        held = sum(min(context, window) * size for window, size in self.windowed)
        return self.full * context + held + self.state


#: Engines keep the state of linear layers in 32 bits: it is summed up over the whole sequence.
_STATE_BYTES = 4


def kv_bytes(card: ModelCard, dtype: str = "auto", tensor: int = 1, pipeline: int = 1) -> KvBytes:
    """KV cache bytes of ``card`` on one device.

    With ``pipeline`` stages a device holds at most ``ceil(layers / pipeline)`` layers, taken
    as an equal mix of all kinds of layers.
    """
    share = ceil(card.layers / pipeline) / card.layers
    size = bytes_per_value(resolve_kv_dtype(dtype)) * share
    groups = attention_groups(card, tensor)
    return KvBytes(
        full=sum(_cached(group) * size for group in groups if not _keeps_window(group)),
        windowed=tuple(
            (group.window, _cached(group) * size)
            for group in groups
            if _keeps_window(group) and group.window is not None
        ),
        state=sum(group.state_values * group.layers * _STATE_BYTES * share for group in groups),
    )


def _cached(group: AttentionGroup) -> int:
    return group.kv_values_per_token * group.layers


def _keeps_window(group: AttentionGroup) -> bool:
    """Sparse attention reads part of the cache but keeps all of it; only windows and chunks let go."""
    return group.kind in ("sliding", "chunked")


def kv_bytes_per_token(card: ModelCard, dtype: str = "auto") -> float:
    """KV cache bytes of one token over all layers of the model, windows aside [bytes/token]."""
    return kv_bytes(card, dtype).per_token
