"""The attention layers of a model in groups of equal layers: what they cache and what they compute.

One group per kind of attention, so that windowed layers are counted apart from full
ones both in memory and in price. Attention is divided by heads over the devices of a
tensor-parallel group; KV heads are repeated where there are fewer than devices, and the
latent of MLA is on every device.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

from simulator.errors import InputError
from simulator.models.card import ModelCard

#: ``latent`` is MLA; ``linear`` caches nothing per token.
AttentionKind = Literal["full", "sliding", "chunked", "latent", "linear"]


@dataclass(frozen=True, slots=True)
class AttentionGroup:
    """Equal attention layers on one device of a tensor-parallel group.

    Attributes
    ----------
    layers
        How many layers of the model are like this.
    heads, kv_heads
        On one device, after division by the tensor-parallel degree.
    query_dim, value_dim
        Width of a head in the query-key product and in the value sum.
    window
        Most tokens a query sees [tokens], None for all.
    kv_values_per_token
        Values cached per token and layer on this device.
    prefill_flops_per_product, decode_flops_per_product
        FLOPs per layer for one query token and one context token it sees. They differ for
        MLA, which multiplies in the latent space when decoding.
    state_values
        Values per sequence and layer that do not grow with the context.
    """

    kind: AttentionKind
    layers: int
    heads: int
    kv_heads: int
    query_dim: int
    value_dim: int
    window: int | None
    kv_values_per_token: int
    prefill_flops_per_product: int
    decode_flops_per_product: int
    state_values: int = 0

    def attended(self, context: float) -> float:
        """Tokens a query at position ``context`` sees [tokens].

        A chunked layer starts anew at every chunk, so on average over positions it sees
        half a chunk once the context is longer than one.
        """
        if self.window is None or context <= self.window:
            return context
        return self.window / 2 if self.kind == "chunked" else float(self.window)


def check_complete(card: ModelCard) -> None:
    """Refuse a card that lists a model without enough known to simulate it.

    Raises
    ------
    InputError
        Saying what is missing.
    """
    if card.incomplete is not None:
        raise InputError(f"the card of {card.id!r} is incomplete and cannot be simulated: {card.incomplete}")


def check_tensor_parallel(card: ModelCard, tensor: int) -> None:
    """Refuse a degree that does not divide the attention heads, as vLLM does.

    Raises
    ------
    InputError
        With the degrees that are possible.
    """
    if tensor < 1 or card.heads % tensor:
        possible = [str(n) for n in range(1, card.heads + 1) if card.heads % n == 0]
        raise InputError(
            f"{card.id} has {card.heads} attention heads, which {tensor} devices cannot share equally; "
            f"possible tensor-parallel degrees: {', '.join(possible)}"
        )


def attention_groups(card: ModelCard, tensor: int = 1) -> tuple[AttentionGroup, ...]:
    """The attention layers of ``card`` as one device of ``tensor`` sees them."""
    check_complete(card)
    check_tensor_parallel(card, tensor)
    kinds = card.attention_layers
    if card.mla is not None:
        return (_latent(card, tensor),)
    if kinds is None:
        return (_grouped_query(card, tensor, "full", card.layers, None),)
    groups = [
        _grouped_query(card, tensor, "full", kinds.full, None),
        _grouped_query(card, tensor, "sliding", kinds.sliding, kinds.window_tokens),
        _grouped_query(card, tensor, "chunked", kinds.chunked, kinds.chunk_tokens),
    ]
    if kinds.linear:
        groups.append(_linear(card, tensor, kinds.linear))
    return tuple(group for group in groups if group.layers)


def _grouped_query(
    card: ModelCard, tensor: int, kind: AttentionKind, layers: int, window: int | None
) -> AttentionGroup:
    """Multi-head, grouped-query and multi-query attention (arXiv 2305.13245)."""
    kv_heads, head_dim = head_shape(card, kind)
    heads = card.heads // tensor
    own_kv_heads = ceil(kv_heads / tensor)
    flops = 4 * heads * head_dim  # a multiplication and an addition, for the scores and for the values
    return AttentionGroup(
        kind=kind,
        layers=layers,
        heads=heads,
        kv_heads=own_kv_heads,
        query_dim=head_dim,
        value_dim=head_dim,
        window=window,
        kv_values_per_token=2 * own_kv_heads * head_dim,
        prefill_flops_per_product=flops,
        decode_flops_per_product=flops,
    )


def head_shape(card: ModelCard, kind: AttentionKind) -> tuple[int, int]:
    """KV heads and head width of layers of this kind, before any division."""
    if card.kv_heads is None or card.head_dim is None:
        raise InputError(f"the card of {card.id!r} gives no kv_heads or no head_dim")
    kinds = card.attention_layers
    if kind == "full" and kinds is not None:
        return kinds.full_kv_heads or card.kv_heads, kinds.full_head_dim or card.head_dim
    return card.kv_heads, card.head_dim


def _latent(card: ModelCard, tensor: int) -> AttentionGroup:
    mla = card.mla
    assert mla is not None
    heads = card.heads // tensor
    cached = mla.kv_lora_rank + mla.rope_dim
    return AttentionGroup(
        kind="latent",
        layers=card.layers,
        heads=heads,
        kv_heads=1,
        query_dim=mla.nope_dim + mla.rope_dim,
        value_dim=mla.v_head_dim,
        window=card.sparse_attention_tokens,
        kv_values_per_token=cached,
        prefill_flops_per_product=2 * heads * (mla.nope_dim + mla.rope_dim + mla.v_head_dim),
        decode_flops_per_product=2 * heads * (cached + mla.kv_lora_rank),
    )


def _linear(card: ModelCard, tensor: int, layers: int) -> AttentionGroup:
    linear = card.linear_attention
    assert linear is not None
    value_heads = ceil(linear.value_heads / tensor)
    key_heads = ceil(linear.key_heads / tensor)
    channels = 2 * key_heads * linear.key_dim + value_heads * linear.value_dim
    return AttentionGroup(
        kind="linear",
        layers=layers,
        heads=value_heads,
        kv_heads=key_heads,
        query_dim=linear.key_dim,
        value_dim=linear.value_dim,
        window=1,
        kv_values_per_token=0,
        # per token: decay, outer-product update and read-out of the state
        prefill_flops_per_product=6 * value_heads * linear.key_dim * linear.value_dim,
        decode_flops_per_product=6 * value_heads * linear.key_dim * linear.value_dim,
        state_values=value_heads * linear.key_dim * linear.value_dim + channels * (linear.convolution - 1),
    )
