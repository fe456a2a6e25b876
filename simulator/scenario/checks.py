"""Checks that need the catalogues: do the names exist, and do model and engine agree?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from simulator.errors import InputError
from simulator.hardware.catalogue import load_device
from simulator.models.accounting import resolve_kv_dtype
from simulator.models.card import ModelCard
from simulator.models.catalogue import load_model
from simulator.models.precision import canonical_dtype
from simulator.scenario.cluster import PoolSpec
from simulator.scenario.model import ModelSpec
from simulator.scenario.scenario import Scenario

Loaded = TypeVar("Loaded")


def check_names(scenario: Scenario) -> None:
    """Refuse a scenario whose names stand for nothing or whose lengths no model of that name has.

    Raises
    ------
    InputError
        With the key; the file is for the caller to add.
    """
    _check_model("model", scenario.model)
    for index, pool in enumerate(scenario.cluster.pools):
        key = f"cluster.pools[{index}]"
        _at(f"{key}.hardware", load_device, pool.hardware)
        _check_dtype(f"{key}.engine.kv_cache_dtype", pool.engine.kv_cache_dtype)
        if pool.model is not None:
            _check_model(f"{key}.model", pool.model)
        card = load_model(scenario.model_of(pool).card)
        _check_context(key, pool, card)
        if card.moe is None:
            _check_without_experts(key, pool, card)
        _check_draft(f"{key}.speculative", pool)
    _check_sides(scenario)


def _check_model(key: str, model: ModelSpec) -> None:
    _at(f"{key}.card", load_model, model.card)
    for name, dtype in (("weight_dtype", model.weight_dtype), ("kv_dtype", model.kv_dtype)):
        _check_dtype(f"{key}.{name}", dtype)


def _check_sides(scenario: Scenario) -> None:
    """A decode pool reads the KV caches of its model's prefill pools in the format that they are made in.

    vLLM's NIXL connector too lets two engines exchange caches of one format only
    (``compute_nixl_compatibility_hash``).
    """
    pools = scenario.cluster.pools
    for index, pool in enumerate(pools):
        for other in pools if pool.role == "decode" else ():
            if other.role != "prefill" or scenario.model_of(other).card != scenario.model_of(pool).card:
                continue
            made, read = _kv_format(scenario, other), _kv_format(scenario, pool)
            if made != read:
                raise InputError(
                    f"decode pool {pool.name!r} keeps its KV cache in {read}, but prefill pool"
                    f" {other.name!r}, which hands it over, in {made}: give both the same",
                    key=f"cluster.pools[{index}].engine.kv_cache_dtype",
                )


def _kv_format(scenario: Scenario, pool: PoolSpec) -> str:
    engine, model = pool.engine.kv_cache_dtype, scenario.model_of(pool).kv_dtype
    return resolve_kv_dtype(model if engine == "auto" else engine)


def _at(key: str, load: Callable[[str], Loaded], name: str) -> Loaded:
    """What a name stands for; an error about the name itself says where it stands."""
    try:
        return load(name)
    except InputError as error:
        if error.file is not None:
            raise
        raise type(error)(error.message, key=key) from None


def _check_dtype(key: str, dtype: str) -> None:
    if dtype == "auto":
        return
    try:
        canonical_dtype(dtype)
    except InputError as error:
        raise InputError(error.message, key=key) from None


def _check_draft(key: str, pool: PoolSpec) -> None:
    drafting = pool.speculative
    if drafting is None:
        return
    _check_dtype(f"{key}.weight_dtype", drafting.weight_dtype)
    if drafting.model is not None:
        _at(f"{key}.model", load_model, drafting.model)
    if drafting.apart is not None:
        _at(f"{key}.apart.hardware", load_device, drafting.apart.hardware)


def _check_without_experts(key: str, pool: PoolSpec, card: ModelCard) -> None:
    """A dense model has no experts to spread or to load unevenly; vLLM refuses the former too."""
    spread = pool.parallelism.expert
    if spread > 1:
        raise InputError(
            f"found {spread}, but {card.name} is dense: it has no experts to spread; leave it at 1",
            key=f"{key}.parallelism.expert",
        )
    if getattr(pool.latency, "moe_imbalance", None) is not None:
        raise InputError(
            f"{card.name} is dense and has no experts whose load could differ; leave it out",
            key=f"{key}.latency.moe_imbalance",
        )


def _check_context(key: str, pool: PoolSpec, card: ModelCard) -> None:
    """vLLM's own two refusals about lengths."""
    engine, context = pool.engine, card.context_tokens
    if context is None:
        return
    if engine.max_model_len is not None and engine.max_model_len > context:
        raise InputError(
            f"found {engine.max_model_len}, but {card.name} reads at most {context} tokens",
            key=f"{key}.engine.max_model_len",
        )
    longest = engine.max_model_len or context
    if not engine.splits_prompts and engine.max_num_batched_tokens < longest:
        raise InputError(
            f"without chunked prefill a prompt must fit one step: found {engine.max_num_batched_tokens},"
            f" expected at least max_model_len = {longest}",
            key=f"{key}.engine.max_num_batched_tokens",
        )
