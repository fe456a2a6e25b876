"""What a scenario may say about how steps are priced: the ``latency:`` section of a pool.

The default, ``{backend: auto}``, takes the execution model that the hardware profile
names (roofline, static shapes, SRAM pipeline, wafer) with the profile's constants.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat

from simulator.scenario.engine_versions import Sampler
from simulator.scenario.spec import Count, CountOrZero, Spec
from simulator.units.quantity import BytesPerSecond, Seconds

#: Kernel family of attention.
AttentionBackend = Literal["fa2", "fa3", "flashinfer"]
_Efficiency = Annotated[float, Field(gt=0, le=1)]
_Factor = Annotated[float, Field(ge=1)]


class _Overrides(Spec):
    """What a scenario may override of a profile's execution model."""

    bandwidth_efficiency: _Efficiency | None = None
    """Attained share of the peak memory bandwidth in matrix products [1]."""

    compute_efficiency: _Efficiency | None = None
    """Attained share of the peak FLOP rate in matrix products [1]."""

    attention_bandwidth_efficiency: _Efficiency | None = None
    """Attained share of the peak memory bandwidth in decode attention [1]."""

    mixed_batch_factor: _Factor | None = None
    """Decode attention takes this many times longer in a step that also prefills [1]."""

    layer_overhead_us: NonNegativeFloat | None = None
    """Small kernels and launches of one layer [us]."""

    moe_imbalance: _Factor | None = None
    """Load of the busiest expert-parallel rank over the mean [1]."""

    routing_diversity: _Efficiency | None = None
    """Share of a step's tokens that choose their experts independently of each other [1]; default: 0.82."""

    routing_spread: NonNegativeFloat | None = None
    """How far the loads of expert-parallel ranks scatter, in units of pure chance [1]; default: 1.45, as with
    real prompts; about 0.3 with random ones."""

    sampler: Sampler | None = None
    """How tokens are sampled; default: what the engine version uses with top-p/top-k."""

    attention_backend: AttentionBackend | None = None
    """Kernel family of attention; decides how decodes fare beside prompts where `mixed_batch_factor` does not
    say it."""

    host_us: NonNegativeFloat | None = None
    """Host work per step [us]: hidden behind the device if scheduling is asynchronous, else added."""

    host_per_sequence_us: NonNegativeFloat | None = None
    """Host work per step and running sequence [us], likewise."""


class AutoBackendSpec(_Overrides):
    """Whatever execution model the hardware profile names."""

    backend: Literal["auto"] = "auto"

    software: str | None = None
    """Serving software: one that the profile has other constants for (e.g. `llama.cpp`), or `vllm`, `sglang`
    or `tensorrt-llm`, which differ in how much of the launching of kernels shows; default: the usual."""


class RooflineBackendSpec(_Overrides):
    """Roofline with measured efficiencies, also on devices whose profile names another model."""

    backend: Literal["roofline"] = "roofline"


class OperatorTablesBackendSpec(_Overrides):
    """Operators priced from tables of measured times, the roofline where there is none."""

    backend: Literal["operator_tables"] = "operator_tables"

    folder: str | None = None
    """Folder of tables in the CSV format of aiconfigurator-core, relative to the scenario that names it;
    default: the tables of the optional package (`pip install 'simulator[aiconfigurator]'`)."""


class DecodeOffloadBackendSpec(Spec):
    """LPUs or GPUs beside the pool's GPUs hold the feed-forward weights and take that part of every decode
    step (attention/FFN disaggregation)."""

    backend: Literal["decode_offload"] = "decode_offload"

    partner: str
    """Hardware profile of the devices beside, name or path."""

    devices: Count
    """Devices beside one replica."""

    bandwidth: BytesPerSecond
    """Way between both sides of one replica, one way; nothing published."""

    latency: Seconds | None = None
    """Of one crossing; default: 2 us, an estimate."""

    micro_batches: Count = 1
    """Parts of a batch that take turns on both sides, so that neither waits for the other."""


class LinearBackendSpec(Spec):
    """A step as a linear form of its aggregates, integer coefficients [ns].

    ``base_ns + prefill_token_ns * prefill_tokens + decode_token_ns * decode_tokens
    + context_token_ns * (prefill_context + decode_context) + prefill_attn_ns * prefill_products``,
    the form that the scheduler oracle's traces were made with.
    """

    backend: Literal["linear"] = "linear"

    base_ns: CountOrZero = 0
    """Fixed part of a step [ns]."""

    prefill_token_ns: CountOrZero = 0
    """Per scheduled prompt token [ns]."""

    decode_token_ns: CountOrZero = 0
    """Per scheduled decode token [ns]."""

    context_token_ns: CountOrZero = 0
    """Per token of context that any entry attends to [ns]."""

    prefill_attn_ns: CountOrZero = 0
    """Per product of scheduled and context tokens of a prefill entry [ns]."""

    idle_w: PositiveFloat | None = None
    """Draw of one replica without work [W]; default: the hardware profile's."""


class FittedBackendSpec(Spec):
    """Step times fitted to measured runs."""

    backend: Literal["fitted"] = "fitted"

    file: str
    """YAML file with the fit, relative to the scenario that names it."""


#: Those that price steps by the execution model of the device.
PhysicalBackendSpec = AutoBackendSpec | RooflineBackendSpec | OperatorTablesBackendSpec

BackendSpec = Annotated[
    AutoBackendSpec
    | RooflineBackendSpec
    | OperatorTablesBackendSpec
    | DecodeOffloadBackendSpec
    | LinearBackendSpec
    | FittedBackendSpec,
    Field(discriminator="backend"),
]
