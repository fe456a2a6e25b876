"""Sums over a model's layers that machines with resident weights are priced by."""

from __future__ import annotations

from simulator.latency.layout import Layout
from simulator.models.accounting import matrix_bytes_per_weight
from simulator.models.attention import attention_groups
from simulator.models.gemms import model_gemms


def active_layer_bytes(layout: Layout) -> float:
    """Bytes of the weights that one token multiplies, over all layers of the whole model [bytes]."""
    card, dtype = layout.card, layout.weight_dtype
    gemms = model_gemms(card)
    matrices = (*gemms.dense, gemms.lm_head)
    read = sum(gemm.weights * matrix_bytes_per_weight(card, dtype, gemm.role) for gemm in matrices)
    if gemms.experts is not None:
        routed = gemms.experts.active * gemms.experts.weights_per_expert * gemms.experts.gate_up.layers
        read += routed * matrix_bytes_per_weight(card, dtype, "expert_down")
    return read


def prompt_flops_per_token(layout: Layout) -> float:
    """FLOPs of one prompt token in all products of the whole model, attention aside."""
    gemms = model_gemms(layout.card)
    weights = sum(gemm.weights for gemm in gemms.dense)
    if gemms.experts is not None:
        weights += gemms.experts.active * gemms.experts.weights_per_expert * gemms.experts.gate_up.layers
    return 2.0 * weights


def attention_flops(layout: Layout) -> float:
    """FLOPs per product of a prompt token with one it attends to, over all layers."""
    return float(
        sum(group.layers * group.prefill_flops_per_product for group in attention_groups(layout.card))
    )


def full_share(layout: Layout) -> float:
    """Share of the cached values that belongs to layers which see the whole context."""
    groups = attention_groups(layout.card)
    cached = {group: group.layers * group.kv_values_per_token for group in groups}
    total = sum(cached.values())
    full = sum(size for group, size in cached.items() if group.window is None)
    return full / total if total else 1.0


def window(layout: Layout) -> int:
    """Longest window of the layers that do not see the whole context [tokens]; 0 for none."""
    return max((group.window or 0 for group in attention_groups(layout.card)), default=0)
