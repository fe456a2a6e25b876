"""Models: architectures and the accounting of parameters, bytes, KV cache and matrix products.

card         the shape of a model, read from model_cards/
catalogue    finding cards by name or path
accounting   parameters, weight bytes, KV bytes, experts touched
attention    attention layers in groups of equal layers
gemms        matrix products per device of a parallel group
precision    number formats
"""

from simulator.models.accounting import (
    KvBytes,
    Parameters,
    count_parameters,
    device_weight_bytes,
    experts_touched,
    kv_bytes,
    kv_bytes_per_token,
    matrix_bytes_per_weight,
    read_bytes_per_step,
    resolve_kv_dtype,
    resolve_weight_dtype,
    weight_bytes,
)
from simulator.models.attention import AttentionGroup, attention_groups
from simulator.models.card import ModelCard
from simulator.models.catalogue import load_model, model_names
from simulator.models.gemms import ExpertGemms, Gemm, ModelGemms, model_gemms
from simulator.models.precision import bytes_per_value, canonical_dtype

__all__ = [
    "AttentionGroup",
    "ExpertGemms",
    "Gemm",
    "KvBytes",
    "ModelCard",
    "ModelGemms",
    "Parameters",
    "attention_groups",
    "bytes_per_value",
    "canonical_dtype",
    "count_parameters",
    "device_weight_bytes",
    "experts_touched",
    "kv_bytes",
    "kv_bytes_per_token",
    "load_model",
    "matrix_bytes_per_weight",
    "model_gemms",
    "model_names",
    "read_bytes_per_step",
    "resolve_kv_dtype",
    "resolve_weight_dtype",
    "weight_bytes",
]
