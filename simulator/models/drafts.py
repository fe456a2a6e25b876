"""What drafts tokens for a model, as a model card of its own: heads and layers on the model's features.

A head is small enough that its shape can be said in the words of a card, so that every execution model can
price it and its weights and cache find their place in memory. Projections that no card has (EAGLE-3 joins
three features of the model into one, multi-token prediction two) are counted as a wider feed-forward part
with as many weights.

Sources: EAGLE (arXiv 2401.15077) and EAGLE-3 (arXiv 2503.01840): one decoder layer and an LM head; Medusa
(arXiv 2401.10774): a residual layer and an LM head per position; DeepSeek-V3 (arXiv 2412.19437, section
2.2): one layer like the model's own behind a projection of two features, with the model's LM head.
"""

from __future__ import annotations

from math import ceil

from simulator.models.attention import check_complete
from simulator.models.card import AttentionLayers, ModelCard

#: Words that published EAGLE-3 heads can draft (draft_vocab_size of their configurations; general knowledge).
EAGLE3_VOCAB = 32_000


def eagle_card(card: ModelCard, vocab: int | None = None) -> ModelCard:
    """An EAGLE head: one dense decoder layer over the model's width, in 16 bits.

    Parameters
    ----------
    vocab
        Words it can draft; default: all of the model's.
    """
    joined = 2 if vocab is None else 3  # features and embedding, or three features of the model
    return _dense(card, "EAGLE head", _inner(card) + ceil(joined * card.hidden / 3), vocab or card.vocab)


def medusa_card(card: ModelCard, heads: int) -> ModelCard:
    """All Medusa heads as one layer and one LM head; attention is next to nothing."""
    head = _dense(card, "Medusa heads", ceil(heads * card.hidden / 3), heads * card.vocab)
    return head.model_copy(update={"kv_heads": 1, "head_dim": 1})


def mtp_card(card: ModelCard) -> ModelCard:
    """The multi-token-prediction layer: one layer like the model's own, and its LM head."""
    check_complete(card)
    moe, kinds, ffn = card.moe, card.attention_layers, card.ffn
    if moe is None:
        ffn = (ffn or 0) + ceil(2 * card.hidden / 3)
    else:
        projection = ceil(2 * card.hidden / 3)
        moe = moe.model_copy(
            update={
                "moe_layers": 1,
                "dense_layers": 0,
                "shared_experts": 1,
                "shared_ffn": (moe.shared_experts or 0) * moe.shared_ffn + projection,
            }
        )
    if kinds is not None:
        one = {"full": 1} if kinds.full else {"sliding": 1, "window_tokens": kinds.window_tokens}
        kept = {name: getattr(kinds, name) for name in ("full_head_dim", "full_kv_heads", "full_shares_kv")}
        kinds = AttentionLayers.model_validate(one | (kept if kinds.full else {}))
    return _named(card, "MTP layer").model_copy(
        update={"layers": 1, "ffn": ffn, "moe": moe, "attention_layers": kinds}
    )


def _dense(card: ModelCard, what: str, ffn: int, vocab: int) -> ModelCard:
    check_complete(card)
    head_dim = card.head_dim or max(card.hidden // card.heads, 1)
    return _named(card, what).model_copy(
        update={
            "kind": "dense",
            "layers": 1,
            "kv_heads": card.kv_heads or card.heads,
            "head_dim": head_dim,
            "ffn": ffn,
            "vocab": vocab,
            "moe": None,
            "mla": None,
            "linear_attention": None,
            "attention_layers": None,
            "sparse_attention_tokens": None,
            "weight_dtype": "bf16",
            "quantised": "matrices",
            "qk_norm": False,
            "attention_output_gate": False,
        }
    )


def _inner(card: ModelCard) -> int:
    """Inner width of the head's feed-forward part: the model's, or what dense models of its width have."""
    if card.ffn is not None:
        return card.ffn
    return ceil(8 * card.hidden / 3)


def _named(card: ModelCard, what: str) -> ModelCard:
    return card.model_copy(update={"id": f"{card.id} ({what})", "name": f"{what} of {card.name}"})
