"""The constants one roofline is built from: the profile's, else the family's, then overrides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from simulator.hardware.execution import (
    DecodeAttention,
    Evidence,
    Experts,
    Gemm,
    Host,
    LayerRest,
    Power,
    PrefillAttention,
    RooflineExecution,
    Sampling,
)
from simulator.hardware.families import COMMON, family_execution
from simulator.models.precision import dense_format
from simulator.scenario.backend import AttentionBackend, PhysicalBackendSpec

_Group = TypeVar("_Group", bound=Evidence)

#: Attention kernels that pack the query heads that share a KV head: decodes lose nothing beside prefill.
#: FlashAttention 2 computes whole tiles of queries there, at ``mixed_compute_efficiency`` of peak.
_PACKING: frozenset[AttentionBackend] = frozenset({"fa3", "flashinfer"})


@dataclass(frozen=True, slots=True)
class RooflineConstants:
    """All groups of constants, complete."""

    gemm: Mapping[str, Gemm]
    decode_attention: DecodeAttention
    prefill_attention: PrefillAttention
    layer: LayerRest
    experts: Experts
    sampling: Sampling
    host: Host
    power: Power
    estimated: tuple[str, ...]
    """Groups that were taken over from other devices."""

    def gemm_for(self, weight_dtype: str) -> Gemm:
        """Constants of products with weights in this format; 16-bit ones where it was not measured."""
        return self.gemm.get(dense_format(weight_dtype)) or self.gemm["bf16"]


def resolve_constants(
    execution: RooflineExecution | None,
    bandwidth: float,
    weight_dtype: str,
    kv_dtype: str,
    spec: PhysicalBackendSpec,
    device_family: str = "gpu-hbm",
) -> RooflineConstants:
    """Constants for one device, format of weights and cache, and scenario.

    ``bandwidth`` [bytes/s] scales the family's sampling constants; ``device_family`` is that of the profile.
    """
    own = execution or RooflineExecution()
    weight_dtype = dense_format(weight_dtype)
    family = family_execution(device_family, bandwidth)
    tiled = family_execution(COMMON, bandwidth).decode_attention["bf16"].mixed_compute_efficiency
    estimated: list[str] = []

    def pick(name: str, mine: _Group | None, default: _Group | None) -> _Group:
        if mine is None or mine.confidence == "estimate":
            estimated.append(name)
        chosen = mine if mine is not None else default
        assert chosen is not None
        return chosen

    gemm = {**family.gemm, **own.gemm}
    pick("gemm", own.gemm.get(weight_dtype) or own.gemm.get("bf16"), gemm["bf16"])
    attention = own.decode_attention.get(kv_dtype) or own.decode_attention.get("bf16")
    experts = own.experts.get(weight_dtype) or own.experts.get("bf16")
    return RooflineConstants(
        gemm={name: _override_gemm(group, spec) for name, group in gemm.items()},
        decode_attention=_override_attention(
            pick("decode_attention", attention, family.decode_attention["bf16"]), spec, tiled
        ),
        prefill_attention=pick("prefill_attention", own.prefill_attention, family.prefill_attention),
        layer=_update(pick("layer", own.layer, family.layer), fixed_us=spec.layer_overhead_us),
        experts=_update(
            pick("experts", experts, family.experts["bf16"]),
            imbalance=spec.moe_imbalance,
            bandwidth_efficiency=spec.bandwidth_efficiency,
            compute_efficiency=spec.compute_efficiency,
        ),
        sampling=pick("sampling", own.sampling, family.sampling),
        host=_update(
            pick("host", own.host, family.host),
            step_us=spec.host_us,
            per_sequence_us=spec.host_per_sequence_us,
            hidden_per_sequence_us=spec.host_per_sequence_us,
        ),
        power=pick("power", own.power, family.power),
        estimated=tuple(estimated),
    )


def _override_gemm(gemm: Gemm, spec: PhysicalBackendSpec) -> Gemm:
    return _update(
        gemm, bandwidth_efficiency=spec.bandwidth_efficiency, compute_efficiency=spec.compute_efficiency
    )


def _override_attention(
    attention: DecodeAttention, spec: PhysicalBackendSpec, tiled: float | None
) -> DecodeAttention:
    """``tiled``: share of peak at which queries' whole tiles are computed, if the device does not say."""
    if spec.mixed_batch_factor is not None:
        plain = {"mixed_compute_efficiency": None, "mixed_tile_ns": 0.0}
        attention = attention.model_copy(update=plain | {"mixed_batch_factor": spec.mixed_batch_factor})
    elif spec.attention_backend is not None:
        attention = _under(attention, spec.attention_backend, tiled)
    return _update(attention, bandwidth_efficiency=spec.attention_bandwidth_efficiency)


def _under(attention: DecodeAttention, kernel: AttentionBackend, tiled: float | None) -> DecodeAttention:
    """The same device with another kernel of attention, with its own constants of that where it has them."""
    if kernel in _PACKING:
        changed: dict[str, float | None] = {"mixed_compute_efficiency": None, "mixed_tile_ns": 0.0}
    else:
        changed = {"mixed_compute_efficiency": attention.mixed_compute_efficiency or tiled}
    return attention.model_copy(update=changed | {"mixed_batch_factor": 1.0})


def _update(group: _Group, **values: float | None) -> _Group:
    given = {name: value for name, value in values.items() if value is not None}
    return group.model_copy(update=given) if given else group
