"""The ``execution:`` section of a hardware profile: how a device runs a model, with constants.

Six execution models cover the catalogue. ``roofline`` is for machines that stream weights
from HBM, GDDR or LPDDR and whose operators were measured, ``streamed`` for those known by whole requests
only, over one or two tiers of memory; ``static_shapes`` for compiled fixed-shape graphs (Inferentia,
Trainium); ``sram_pipeline`` for weights resident in the SRAM of many chips (LPU); ``in_memory`` for
multipliers inside that SRAM; ``wafer`` for layers spread over wafers. The physics stands in
``simulator/latency``; here are only the constants, each group with source, date, confidence and fit error.

Times carry their unit in the name (``_us``, ``_ns``); shares are of the profile's peaks.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
)

Share = Annotated[float, Field(gt=0, le=1)]
Confidence = Literal["datasheet", "vendor-claim", "press", "third-party-measurement", "fitted", "estimate"]


def _joined(source: object) -> object:
    """Several citations as one text."""
    return "; ".join(str(part) for part in source) if isinstance(source, list | tuple) else source


class Evidence(BaseModel):
    """Where a group of constants comes from.

    ``source`` may be a list of citations. ``fit_error`` is the mean absolute relative error of
    the fit on its own data [1]. ``fitted_on`` names the public measurements that the constants were
    fitted to (ids, or patterns with ``*``; ``id:TTFT`` for one figure only), so that these do not count
    as predictions. ``estimated`` names constants of the group that rest on no measurement.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Annotated[str, BeforeValidator(_joined)]
    date: str
    confidence: Confidence
    fit_error: NonNegativeFloat | None = None
    fitted_on: tuple[str, ...] = ()
    estimated: tuple[str, ...] = ()
    note: str | None = None


#: Serving programs whose kernels were compared with measurements.
Program = Literal["vllm", "sglang", "tensorrt-llm"]


class Gemm(Evidence):
    """Dense matrix products: ``fixed + depth + quantise + (memory**p + compute**p) ** (1 / p)``, p = overlap.

    ``per_inner_ns`` is the time of one step along the inner dimension, which a small product waits for;
    ``activation_passes`` are extra passes over its 16-bit input, where that is quantised first. Beyond 16
    tokens, where kernels with larger tiles take over, memory takes ``wide_factor`` times longer.
    """

    fixed_us: NonNegativeFloat
    bandwidth_efficiency: Share
    compute_efficiency: Share
    overlap: Annotated[float, Field(ge=1)]
    per_inner_ns: NonNegativeFloat = 0.0
    activation_passes: NonNegativeFloat = 0.0
    wide_factor: Annotated[float, Field(ge=1)] = 1.0


class DecodeAttention(Evidence):
    """Attention of one-token entries over their cache, per layer.

    ``per_kv_head_ns`` is the floor per sequence and KV head. In a step that also holds prefill
    ``mixed_batch_factor`` multiplies the varying part. Kernels of the FlashAttention 2 kind work there on
    tiles of 64 queries for every query head on its own, though a decode fills one row of them:
    ``mixed_compute_efficiency`` is the share of peak at which they compute whole tiles, and
    ``mixed_tile_ns`` the time of an empty tile (each decode has as many per head as the longest prompt).
    """

    fixed_us: NonNegativeFloat
    bandwidth_efficiency: Share
    per_kv_head_ns: NonNegativeFloat
    overlap: Annotated[float, Field(ge=1)]
    mixed_batch_factor: Annotated[float, Field(ge=1)] = 1.0
    mixed_compute_efficiency: Share | None = None
    mixed_tile_ns: NonNegativeFloat = 0.0


class PrefillAttention(Evidence):
    """Attention of prompt tokens, bound by compute.

    Short prompts fill the device badly: a prompt of n tokens takes as long as
    ``n + ramp_tokens`` would at ``compute_efficiency``.
    """

    compute_efficiency: Share
    ramp_tokens: NonNegativeFloat


class LayerRest(Evidence):
    """What is left of a layer: norms, rotary embedding, activation, cache write and launches.

    ``mixed_us`` comes on top in a step that also prefills: attention then leaves the CUDA graph.
    ``linear_us`` comes instead of the launch of attention in linear layers, ``indexer_us`` on top of it
    where an indexer chooses the tokens attended to. ``dispatch_us`` is what a layer of experts takes
    however few tokens there are where kernels of their own take each to its experts and back: packing,
    and waiting for the slowest rank; 0 where it was not measured (Hopper). ``launch_share`` says how much
    of all fixed times of a layer (products, attention, experts and these) is left where a serving program
    fuses kernels or starts one before the last has ended; 1 where it does not say. ``prompt_share`` is
    how long steps with prompts too large for a CUDA graph take in whole engines, over what their
    operators take alone: gaps
    between kernels, conversions and copies that no table has; likewise by program, 1 where it does not say.
    """

    fixed_us: NonNegativeFloat
    hidden_bytes: NonNegativeFloat = 12.0
    mixed_us: NonNegativeFloat = 0.0
    linear_us: NonNegativeFloat = 20.0
    indexer_us: NonNegativeFloat = 62.0
    dispatch_us: NonNegativeFloat = 0.0
    launch_share: dict[Program, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    prompt_share: dict[Program, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)


class Experts(Evidence):
    """Products of the routed experts of one layer.

    ``imbalance`` is the load of the busiest expert-parallel rank over the mean, beyond chance;
    ``activation_passes`` are passes over the 16-bit inputs and outputs of the visited experts.
    """

    fixed_us: NonNegativeFloat
    bandwidth_efficiency: Share
    compute_efficiency: Share
    overlap: Annotated[float, Field(ge=1)]
    imbalance: Annotated[float, Field(ge=1)] = 1.0
    activation_passes: NonNegativeFloat = 0.0


class Sampling(Evidence):
    """Choosing the tokens of a step, by implementation of the top-p/top-k filter.

    A filter takes ``_us`` however few sequences there are, and ``_ns`` per sequence and vocabulary
    entry. A penalty on repetition takes ``penalty_us`` and passes over ``penalty_bytes`` per entry.
    """

    sort_us: NonNegativeFloat = 0.0
    sort_ns: NonNegativeFloat
    triton_us: NonNegativeFloat = 0.0
    triton_ns: NonNegativeFloat
    flashinfer_us: NonNegativeFloat = 0.0
    flashinfer_ns: NonNegativeFloat
    penalty_us: NonNegativeFloat = 0.0
    penalty_bytes: NonNegativeFloat = 0.0


class Host(Evidence):
    """Host work per step: scheduling, input preparation, output handling.

    ``hidden_per_sequence_us`` replaces ``per_sequence_us`` where scheduling is asynchronous: only
    what must end before the next launch counts. ``eager_layer_us`` is the launching of one
    layer's kernels where no CUDA graph does it. ``prompt_layer_us`` is the same of compiled layers, by
    serving program, in steps with prompts too large for a graph: such a step takes at least that long.
    """

    step_us: NonNegativeFloat
    per_sequence_us: NonNegativeFloat
    hidden_per_sequence_us: NonNegativeFloat
    eager_layer_us: NonNegativeFloat
    prompt_layer_us: dict[Program, NonNegativeFloat] = Field(default_factory=dict)


class Power(Evidence):
    """Draw of a busy device above idle, as shares of TDP.

    ``busy + memory * memory use + compute * sqrt(compute use)``, where a use is the share of the peak rate
    attained while the device works; total draw never exceeds ``ceiling``.
    """

    busy: NonNegativeFloat
    memory: NonNegativeFloat
    compute: NonNegativeFloat
    ceiling: Share = 1.0


class RooflineExecution(BaseModel):
    """Streams weights and cache from its main memory; groups left out take family defaults.

    ``gemm`` and ``experts`` are keyed by the format of the weights (bf16, fp8, int8, int4,
    nvfp4, mxfp4), ``decode_attention`` by that of the KV cache. ``tier`` names the memory
    tier that weights and cache are streamed from; default: the largest.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Literal["roofline"] = "roofline"
    gemm: dict[str, Gemm] = Field(default_factory=dict)
    decode_attention: dict[str, DecodeAttention] = Field(default_factory=dict)
    prefill_attention: PrefillAttention | None = None
    layer: LayerRest | None = None
    experts: dict[str, Experts] = Field(default_factory=dict)
    sampling: Sampling | None = None
    host: Host | None = None
    power: Power | None = None
    tier: str | None = None


class StreamedExecution(Evidence):
    """Streams weights and cache like a roofline, with constants that whole-request rates can tell.

    For devices of which nobody published operator times.

    Attributes
    ----------
    step_us, sequence_us
        Fixed time of a step, and of each sequence in it (the host's work) [us].
    layer_us
        Fixed time of one layer [us].
    exchange_us
        Fixed time of one collective; its links take their time for the bytes on top [us].
    weight_efficiency, cache_efficiency, compute_efficiency
        Attained shares of peak for weights, KV cache and products.
    prompt_us
        Fixed time of one prompt [us].
    tier
        Memory tier that weights and cache are streamed from; default: the largest.
    overflow_tier
        Slower tier that weights spill to where they do not fit; default: they may not.
    """

    model: Literal["streamed"]
    step_us: NonNegativeFloat = 0.0
    sequence_us: NonNegativeFloat = 0.0
    layer_us: NonNegativeFloat
    exchange_us: NonNegativeFloat = 0.0
    weight_efficiency: Share
    cache_efficiency: Share
    compute_efficiency: Share
    prompt_us: NonNegativeFloat = 0.0
    tier: str | None = None
    overflow_tier: str | None = None
    power: Power | None = None


class StaticShapesExecution(Evidence):
    """Graphs compiled per (seats, sequence bucket): every step pays for its padding.

    Attributes
    ----------
    layer_us
        Fixed time of one layer, collectives included [us].
    bandwidth_efficiency, cache_efficiency, compute_efficiency
        Attained shares of peak for weights, KV cache and prompt products.
    cores_per_chip
        A KV head is copied to every core that needs it, so with more cores than KV heads
        the cache is read (and stored) once per core.
    smallest_bucket
        Sequence buckets are powers of two from here [tokens].
    prefill_us
        Fixed time of one prompt graph [us].
    score_bytes
        Bytes that pass through memory per attention score of a prompt [bytes]; 0 for fused kernels.
    """

    model: Literal["static_shapes"]
    layer_us: NonNegativeFloat
    bandwidth_efficiency: Share
    cache_efficiency: Share
    compute_efficiency: Share
    cores_per_chip: PositiveInt
    smallest_bucket: PositiveInt = 128
    prefill_us: NonNegativeFloat = 0.0
    score_bytes: NonNegativeFloat = 0.0
    tier: str | None = None
    power: Power | None = None


class SramPipelineExecution(Evidence):
    """Weights stay in the SRAM of many chips; a token walks through groups of chips.

    Attributes
    ----------
    group_chips
        Chips that hold one stage together (tensor-parallel inside).
    layer_us
        Fixed latency of one layer: vector operations, exchanges inside the group and the
        hop to the next [us].
    expert_layer_us
        Addition for a layer of experts: routing, dispatch to the chips that hold them, gathering [us].
    weight_efficiency
        Share of the SRAM bandwidth at which weights reach the multipliers.
    compute_efficiency
        Share of peak in prompt products.
    usable_sram
        Share of the SRAM left for weights and cache (the rest: instructions, activations).
    """

    model: Literal["sram_pipeline"]
    group_chips: PositiveInt
    layer_us: NonNegativeFloat
    expert_layer_us: NonNegativeFloat = 0.0
    weight_efficiency: Share
    compute_efficiency: Share
    usable_sram: Share = 0.95
    busy_power: Share | None = None


class InMemoryExecution(Evidence):
    """Multipliers inside the SRAM that holds the weights: a token costs products, not memory traffic.

    Attributes
    ----------
    group_chips
        Cards that share each layer.
    layer_us
        Fixed latency of one layer [us].
    compute_efficiency
        Share of peak with all arrays busy.
    tier
        The memory with the multipliers.
    usable_sram
        Share of it left for weights and cache.
    """

    model: Literal["in_memory"]
    group_chips: PositiveInt
    layer_us: NonNegativeFloat
    compute_efficiency: Share
    tier: str
    usable_sram: Share = 0.95
    busy_power: Share | None = None


class WaferExecution(Evidence):
    """Layers lie side by side on one or more wafers; a token walks across them.

    Attributes
    ----------
    layer_us
        Fixed latency of one layer [us].
    hidden_element_ns
        Serial movement of an activation vector over the fabric, per layer and element of
        the hidden size [ns].
    wafer_hop_us
        Passing an activation from wafer to wafer [us].
    compute_efficiency
        Share of peak in prompt products.
    usable_sram
        Share of the SRAM left for weights and cache.
    """

    model: Literal["wafer"]
    layer_us: NonNegativeFloat
    hidden_element_ns: PositiveFloat
    wafer_hop_us: NonNegativeFloat
    compute_efficiency: Share
    usable_sram: Share = 0.95
    busy_power: Share | None = None


#: How a device runs a model, as its hardware profile says.
Execution = Annotated[
    RooflineExecution
    | StreamedExecution
    | StaticShapesExecution
    | SramPipelineExecution
    | InMemoryExecution
    | WaferExecution,
    Field(discriminator="model"),
]


def fitted_on(execution: Execution) -> tuple[str, ...]:
    """Ids and patterns of the public measurements that any constant of ``execution`` was fitted to."""
    if isinstance(execution, Evidence):
        return execution.fitted_on
    values = (getattr(execution, name) for name in type(execution).model_fields)
    groups = [
        group
        for value in values
        for group in (value.values() if isinstance(value, dict) else (value,))
        if isinstance(group, Evidence)
    ]
    return tuple(dict.fromkeys(pattern for group in groups for pattern in group.fitted_on))
