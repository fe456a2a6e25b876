"""From the pools of a scenario to what the engine builds them of."""

from __future__ import annotations

from dataclasses import dataclass, replace

from simulator.engine.kv_tiers import TierPlan
from simulator.engine.link import LinkPlan
from simulator.engine.pool import PoolPlan
from simulator.engine.settings import EngineSettings
from simulator.errors import InputError
from simulator.hardware.catalogue import load_device
from simulator.hardware.device import Device
from simulator.latency.compile import CompiledBackend, compile_backend
from simulator.latency.roofline.releases import EarlyKernels
from simulator.models.accounting import resolve_kv_dtype, resolve_weight_dtype
from simulator.models.card import ModelCard
from simulator.models.catalogue import load_model
from simulator.scenario.cluster import PoolSpec
from simulator.scenario.engine import EngineSpec
from simulator.scenario.kv_tiers import KvTierSpec
from simulator.scenario.scenario import Scenario
from simulator.scenario.speculation import SpeculationSpec
from simulator.units.clock import ns_from_seconds


@dataclass(frozen=True, slots=True)
class PreparedPool:
    """One pool with its device and the backend that prices its steps.

    ``formats`` are those of the weights and of the KV cache.
    """

    spec: PoolSpec
    device: Device
    backend: CompiledBackend
    plan: PoolPlan
    formats: tuple[str, str]
    card: ModelCard


def prepare_pools(scenario: Scenario) -> list[PreparedPool]:
    """All pools of a scenario, ready to build.

    Raises
    ------
    DoesNotFitError
        Where the model does not fit a pool's devices; the message shows the arithmetic.
    InputError
        Where a pool's layout or backend is impossible.
    """
    return [_prepare(scenario, number) for number in range(len(scenario.cluster.pools))]


def _prepare(scenario: Scenario, number: int) -> PreparedPool:
    spec = scenario.cluster.pools[number]
    model = scenario.model_of(spec)
    card = load_model(model.card)
    device = load_device(spec.hardware)
    try:
        device = device.with_power(spec.power.limit, spec.power.idle)
    except InputError as error:
        raise InputError(error.message, key=f"cluster.pools[{number}].power") from None
    try:
        return prepare_pool(spec, device, card, model.weight_dtype, model.kv_dtype)
    except InputError as error:
        if error.file is not None:
            raise
        key = f"cluster.pools[{number}]" + (f".{error.key}" if error.key else "")
        raise type(error)(error.message, key=key) from None


def prepare_pool(
    spec: PoolSpec,
    device: Device,
    card: ModelCard,
    weight_dtype: str = "auto",
    kv_dtype: str = "auto",
    kernels: EarlyKernels | None = None,
) -> PreparedPool:
    """One pool of ``device``, whatever device the spec names.

    ``kernels`` are those of the engine's release; default: what its version says.

    Raises
    ------
    DoesNotFitError, InputError
        As `prepare_pools`, with keys inside the pool.
    """
    backend = compile_backend(
        spec.latency,
        card,
        device,
        spec.parallelism,
        spec.engine,
        spec.speculation,
        weight_dtype=weight_dtype,
        kv_dtype=kv_dtype,
        kernels=kernels,
    )
    drafting = spec.speculation
    plan = PoolPlan(
        name=spec.name,
        settings=engine_settings(spec.engine, backend.placement.num_blocks, card.context_tokens, drafting),
        pricer=backend.pricer,
        replicas=spec.replicas,
        role=spec.role,
        layers=card.layers,
        kv_bytes_per_token=backend.placement.kv_bytes_per_token,
        draft_positions=() if drafting is None else drafting.positions,
        length_prediction_error=spec.engine.length_prediction_error,
        kv_tiers=tuple(
            kv_tier(tier, backend.placement.kv_bytes_per_token * spec.engine.block_size)
            for tier in spec.kv_tiers
        ),
    )
    kept = spec.engine.kv_cache_dtype if spec.engine.kv_cache_dtype != "auto" else kv_dtype
    formats = (resolve_weight_dtype(card, weight_dtype), resolve_kv_dtype(kept))
    return PreparedPool(spec, device, backend, plan, formats, card)


def kv_tier(spec: KvTierSpec, bytes_per_block: float) -> TierPlan:
    """A tier of memory behind the KV cache, in blocks.

    Raises
    ------
    InputError
        Where it does not hold a single block, or the model keeps no cache per token.
    """
    if not bytes_per_block:
        raise InputError("the model keeps nothing per token that a tier could hold", key="kv_tiers")
    blocks = None if spec.capacity is None else int(spec.capacity / bytes_per_block)
    if blocks == 0:
        raise InputError(
            f"tier {spec.name!r} holds no block: capacity is {spec.capacity:,.0f} B and a block"
            f" {bytes_per_block:,.0f} B",
            key="kv_tiers",
        )
    link = LinkPlan(spec.bandwidth, ns_from_seconds(spec.latency))
    writes = None if spec.write_bandwidth is None else replace(link, bytes_per_s=spec.write_bandwidth)
    return TierPlan(spec.name, link, blocks, spec.hit_rate or 0.0, spec.shared, writes)


def engine_settings(
    spec: EngineSpec, num_blocks: int, context_tokens: int, drafting: SpeculationSpec | None = None
) -> EngineSettings:
    """Settings with nothing left open.

    Parameters
    ----------
    num_blocks
        KV blocks of one replica, the null block included.
    context_tokens
        Longest context of the model, the default of ``max_model_len`` [tokens].
    drafting
        What drafts tokens, if anything does.
    """
    adaptive = drafting is not None and drafting.length == "adaptive"
    return EngineSettings(
        num_gpu_blocks=num_blocks,
        block_size=spec.block_size,
        max_model_len=spec.max_model_len or context_tokens,
        max_num_seqs=spec.max_num_seqs,
        max_num_active_seqs=spec.max_num_active_seqs,
        max_num_batched_tokens=spec.max_num_batched_tokens,
        max_num_scheduled_tokens=spec.max_num_scheduled_tokens,
        enable_chunked_prefill=spec.enable_chunked_prefill,
        enable_prefix_caching=spec.enable_prefix_caching,
        policy=spec.scheduling_policy,
        long_prefill_token_threshold=spec.long_prefill_token_threshold,
        long_prefill_token_threshold_adaptive=spec.long_prefill_token_threshold_adaptive,
        scheduler_reserve_full_isl=spec.scheduler_reserve_full_isl,
        watermark=spec.watermark,
        async_scheduling=spec.schedules_ahead,
        num_speculative_tokens=0 if drafting is None else drafting.num_speculative_tokens,
        draft_positions=drafting.positions if drafting is not None and adaptive else (),
        scheduler=spec.scheduler,
    )
