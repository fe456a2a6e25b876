"""A model card: the shape of a transformer and what was published about it.

Everything the simulator knows of a model follows from this shape; nothing is learnt
from its name. Field names are those of the published configurations in short form.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, field_validator, model_validator

from simulator.errors import InputError
from simulator.models.precision import canonical_dtype

#: How far a value can be trusted, best first. ``estimate`` is general knowledge, never a datasheet.
Confidence = Literal["datasheet", "vendor-claim", "press", "third-party-measurement", "estimate"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Provenance(_Part):
    """Where a group of values comes from."""

    source: tuple[str, ...] = Field(min_length=1)
    confidence: Confidence
    note: str | None = None


class CardProvenance(_Part):
    """Provenance of a card's values, group by group."""

    shape: Provenance
    published: Provenance | None = None
    weight_dtype: Provenance | None = None
    sampling: Provenance | None = None
    mtp_layers: Provenance | None = None


class SamplingDefaults(_Part):
    """How a model asks to be sampled (its generation_config), which serving engines follow by default.

    ``filtered``: by top-p or top-k, which costs a pass over the vocabulary for every token.
    ``penalised``: with a penalty on repetition, which costs several.
    """

    filtered: bool
    penalised: bool = False


class MixtureOfExperts(_Part):
    """The feed-forward part of a mixture-of-experts model.

    ``shared_ffn`` is the inner width of one shared expert; ``dense_layers`` have an
    ordinary feed-forward part of the card's ``ffn`` instead of experts.
    """

    experts: PositiveInt
    active_experts: PositiveInt | None = None
    shared_experts: int | None = Field(default=0, ge=0)
    expert_ffn: PositiveInt
    shared_ffn: int = Field(default=0, ge=0)
    moe_layers: PositiveInt | None = None
    dense_layers: int = Field(default=0, ge=0)


class LatentAttention(_Part):
    """Multi-head latent attention (MLA): K and V live in the cache as one latent vector.

    Per token and layer the cache holds ``kv_lora_rank + rope_dim`` values for all heads together.
    Source: DeepSeek-V2, arXiv 2405.04434.
    """

    q_lora_rank: PositiveInt | None = None
    kv_lora_rank: PositiveInt
    rope_dim: PositiveInt
    nope_dim: PositiveInt
    v_head_dim: PositiveInt


class AttentionLayers(_Part):
    """How the layers divide into kinds of attention, where not all see the whole context.

    ``full`` layers see everything, ``sliding`` ones the last ``window_tokens``, ``chunked``
    ones their own chunk of ``chunk_tokens``, ``linear`` ones hold a state of fixed size.
    ``full_head_dim`` and ``full_kv_heads`` differ from the card's in the full layers of
    some models; ``full_shares_kv`` means that K and V are one projection there.
    """

    full: int = Field(default=0, ge=0)
    sliding: int = Field(default=0, ge=0)
    window_tokens: PositiveInt | None = None
    chunked: int = Field(default=0, ge=0)
    chunk_tokens: PositiveInt | None = None
    linear: int = Field(default=0, ge=0)
    full_head_dim: PositiveInt | None = None
    full_kv_heads: PositiveInt | None = None
    full_shares_kv: bool = False
    rule: str | None = None

    @model_validator(mode="after")
    def _windows_are_given(self) -> Self:
        if self.sliding and self.window_tokens is None:
            raise ValueError("sliding layers need window_tokens")
        if self.chunked and self.chunk_tokens is None:
            raise ValueError("chunked layers need chunk_tokens")
        return self


class LinearAttention(_Part):
    """Gated delta-rule layers: a matrix of ``key_dim x value_dim`` per value head instead of a KV cache."""

    key_heads: PositiveInt
    value_heads: PositiveInt
    key_dim: PositiveInt
    value_dim: PositiveInt
    convolution: PositiveInt = 4


class ModelCard(_Part):
    """The shape of one model.

    Attributes
    ----------
    heads, kv_heads, head_dim
        Query heads, KV heads and width of a head; ``kv_heads`` is None for latent attention.
    ffn
        Inner width of the gated feed-forward part of dense layers (gate, up and down matrices).
    context_tokens
        Longest context the model was made for [tokens].
    qkv_bias, output_bias, expert_bias
        Whether these projections add a bias.
    qk_norm
        Whether queries and keys are normalised head by head.
    attention_output_gate
        Whether the query projection also makes a gate of the same size.
    sparse_attention_tokens
        Past tokens a query attends to after an indexer chose them (None: all).
    mtp_layers
        Multi-token-prediction layers that were trained with the model and can draft for it.
    sampling
        How the model asks to be sampled, None where not known.
    weight_dtype
        Format the weights were published in; ``quantised`` says which matrices that covers
        where it is not bf16: everything but embeddings, head and router, or the experts only.
    params_total_published, params_active_published
        As the maker states them, None where not stated.
    year, provenance
        When it came out, and where its values come from. Shipped cards say both; no figure rests on them.
    incomplete
        What is missing before the model can be simulated; None for a usable card.
    """

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    huggingface: tuple[str, ...] = ()
    year: int | None = None
    kind: Literal["dense", "moe", "dense-hybrid", "moe-hybrid"]
    layers: PositiveInt
    hidden: PositiveInt
    heads: PositiveInt
    kv_heads: PositiveInt | None = None
    head_dim: PositiveInt | None = None
    ffn: PositiveInt | None = None
    vocab: PositiveInt
    tie_embeddings: bool = False
    context_tokens: PositiveInt
    qkv_bias: bool = False
    output_bias: bool = False
    expert_bias: bool = False
    qk_norm: bool = False
    attention_output_gate: bool = False
    moe: MixtureOfExperts | None = None
    mla: LatentAttention | None = None
    linear_attention: LinearAttention | None = None
    attention_layers: AttentionLayers | None = None
    sparse_attention_tokens: PositiveInt | None = None
    mtp_layers: int = Field(default=0, ge=0)
    sampling: SamplingDefaults | None = None
    weight_dtype: str = "bf16"
    quantised: Literal["matrices", "experts"] = "matrices"
    params_total_published: PositiveInt | None = None
    params_active_published: PositiveInt | None = None
    note: str | None = None
    incomplete: str | None = None
    provenance: CardProvenance | None = None

    @field_validator("weight_dtype")
    @classmethod
    def _known_format(cls, value: str) -> str:
        try:
            return canonical_dtype(value)
        except InputError as error:
            raise ValueError(error.message) from None

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.incomplete is not None:
            return self
        problems = [
            (self.mla is None and self.kv_heads is None, "kv_heads is needed without mla"),
            (self.mla is None and self.head_dim is None, "head_dim is needed without mla"),
            (self.moe is None and self.ffn is None, "ffn is needed without moe"),
            (
                bool(self.moe and self.moe.dense_layers and self.ffn is None),
                "ffn is needed for the dense layers",
            ),
            (bool(self.moe and self.moe.active_experts is None), "moe.active_experts is needed"),
            (
                bool(self.moe and self.moe.active_experts and self.moe.active_experts > self.moe.experts),
                "moe.active_experts exceeds moe.experts",
            ),
            (
                bool(self.kv_heads and self.heads % self.kv_heads),
                f"heads ({self.heads}) is not a multiple of kv_heads ({self.kv_heads})",
            ),
            (self._layer_kinds() not in (None, self.layers), "attention_layers do not add up to layers"),
            (
                bool(
                    self.moe
                    and self.moe.moe_layers
                    and self.moe.moe_layers + self.moe.dense_layers != self.layers
                ),
                "moe.moe_layers + moe.dense_layers is not layers",
            ),
            (
                bool(self.attention_layers and self.attention_layers.linear and not self.linear_attention),
                "linear layers need linear_attention",
            ),
        ]
        found = [text for wrong, text in problems if wrong]
        if found:
            raise ValueError("; ".join(found))
        return self

    def _layer_kinds(self) -> int | None:
        kinds = self.attention_layers
        return None if kinds is None else kinds.full + kinds.sliding + kinds.chunked + kinds.linear
