"""How one replica spreads a model over devices, and at which precision: the common input of
every execution model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from simulator.models.accounting import (
    KvBytes,
    device_weight_bytes,
    kv_bytes,
    matrix_bytes_per_weight,
    resolve_kv_dtype,
    resolve_weight_dtype,
)
from simulator.models.attention import AttentionGroup, attention_groups
from simulator.models.card import ModelCard
from simulator.models.gemms import ModelGemms, model_gemms


@dataclass(frozen=True)
class Layout:
    """A model on the devices of one replica.

    ``expert`` ranks lie on the ``tensor * data`` devices that share a layer. ``context`` groups of them
    share the tokens of each sequence, with all weights in every group. ``in_flight`` batches are on
    their way through the ``pipeline``; with fewer than stages, stages wait.
    """

    card: ModelCard
    tensor: int = 1
    pipeline: int = 1
    data: int = 1
    expert: int = 1
    weight_dtype: str = "bf16"
    kv_dtype: str = "bf16"
    context: int = 1
    micro_batches: int | None = None

    @property
    def devices(self) -> int:
        """Devices of one replica."""
        return self.tensor * self.pipeline * self.data * self.context

    @property
    def in_flight(self) -> int:
        """Batches in the pipeline at once; by default as many as there are stages, which leaves no bubble."""
        return self.pipeline if self.micro_batches is None else self.micro_batches

    @property
    def longest_stage(self) -> float:
        """Layers of the longest pipeline stage over those of an average one: all wait for it."""
        layers = self.card.layers
        return -(-layers // self.pipeline) * self.pipeline / layers

    @cached_property
    def gemms(self) -> ModelGemms:
        """Matrix products on one device, as if it held all layers."""
        return model_gemms(self.card, self.tensor, self.data, self.expert)

    @cached_property
    def attention(self) -> tuple[AttentionGroup, ...]:
        """Attention layers on one device, as if it held all layers."""
        return attention_groups(self.card, self.tensor)

    def weight_size(self, role: str) -> float:
        """Bytes per weight of matrices with this role [bytes]."""
        return matrix_bytes_per_weight(self.card, self.weight_dtype, role)

    @cached_property
    def weight_bytes(self) -> float:
        """All weights of the fullest device [bytes]."""
        return device_weight_bytes(
            self.card, self.weight_dtype, self.tensor, self.data, self.expert, self.pipeline
        )

    @cached_property
    def cache(self) -> KvBytes:
        """KV cache on one device of the first pipeline stage."""
        return kv_bytes(self.card, self.kv_dtype, self.tensor, self.pipeline)


def lay_out(
    card: ModelCard,
    tensor: int,
    pipeline: int,
    data: int,
    expert: int,
    weight_dtype: str,
    kv_dtype: str,
    context: int = 1,
    micro_batches: int | None = None,
) -> Layout:
    """A layout with ``auto`` formats resolved."""
    return Layout(
        card,
        tensor,
        pipeline,
        data,
        expert,
        resolve_weight_dtype(card, weight_dtype),
        resolve_kv_dtype(kv_dtype),
        context,
        micro_batches,
    )
