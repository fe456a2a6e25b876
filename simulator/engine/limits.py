"""Which requests a cluster can serve at all: those that fit the context and the KV cache of its pools."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.engine.pool import PoolPlan
from simulator.errors import InputError


def longest_request(pools: Sequence[PoolPlan]) -> int:
    """Most tokens, prompt and output, that every pool with outputs can hold."""
    return min(_limit(pool) for pool in pools if pool.role != "prefill")


def longest_prompt(pools: Sequence[PoolPlan]) -> int | None:
    """Longest prompt that every prefill pool can hold with its first output; None without such pools."""
    limits = [_limit(pool) - 1 for pool in pools if pool.role == "prefill"]
    return min(limits) if limits else None


def refuse_length(pools: Sequence[PoolPlan], tokens: int, what: str) -> InputError:
    """The error for ``what``, a request of that many tokens."""
    pool = min(pools, key=_limit)
    settings = pool.settings
    if tokens > settings.max_model_len:
        limit = f"max_model_len of pool {pool.name!r} is {settings.max_model_len:,}"
    else:
        limit = (
            f"the KV cache of a replica of pool {pool.name!r} holds {pool.cache_tokens:,} tokens"
            f" ({settings.usable_blocks:,} blocks of {settings.block_size})"
        )
    return InputError(
        f"{what} {tokens:,} tokens, but {limit}; allow longer ones or limit the lengths", key="workload"
    )


def _limit(pool: PoolPlan) -> int:
    return min(pool.settings.max_model_len, pool.cache_tokens)
