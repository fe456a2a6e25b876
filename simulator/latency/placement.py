"""Where a model's bytes lie: weights on every device, what remains for the KV cache, and what to
do where nothing remains."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from simulator.errors import DoesNotFitError
from simulator.models.accounting import KvBytes

#: Activations, CUDA graphs, communication buffers and the engine itself, per device [bytes]. With 3 GB
#: the KV blocks of 39 measured vLLM 0.15.1 runs are close enough (0.9 x capacity - weights - 3 GB).
_RUNTIME_BYTES = 3e9
_RUNTIME_SHARE = 0.05


def runtime_bytes(capacity: float) -> float:
    """Memory that is neither weights nor cache on a device of this capacity [bytes]."""
    return min(_RUNTIME_BYTES, _RUNTIME_SHARE * capacity)


@dataclass(frozen=True, slots=True)
class Placement:
    """The memory of one replica.

    Attributes
    ----------
    devices
        Devices of the replica.
    weight_bytes_per_device
        On the fullest device [bytes].
    kv_bytes_per_token
        One token over all layers and devices, one copy of each: what a transfer between
        pools carries [bytes].
    kv_bytes_per_token_device
        The same on one device, with copies [bytes].
    kv_budget_bytes_per_device
        What remains for the cache [bytes].
    kv_capacity_tokens
        Tokens the cache of the replica holds [tokens].
    block_size
        Tokens in a block [tokens].
    num_blocks
        Blocks of the replica, vLLM's null block included.
    """

    devices: int
    weight_bytes_per_device: float
    kv_bytes_per_token: float
    kv_bytes_per_token_device: float
    kv_budget_bytes_per_device: float
    kv_capacity_tokens: int
    block_size: int
    num_blocks: int


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """The memory of one device in one layout, before it is known to fit.

    Attributes
    ----------
    usable
        What the engine may use [bytes].
    runtime
        Activations, graphs and buffers [bytes].
    weights
        On the fullest device [bytes].
    cache
        What tokens and sequences keep on this device.
    ranks
        Groups of devices that hold different sequences (data parallelism).
    """

    usable: float
    runtime: float
    weights: float
    cache: KvBytes
    ranks: int = 1

    def beside(self, weights: float, cache: KvBytes) -> DeviceMemory:
        """The same device with the weights and cache of a draft on it as well."""
        both = KvBytes(
            self.cache.full + cache.full,
            (*self.cache.windowed, *cache.windowed),
            self.cache.state + cache.state,
        )
        return replace(self, weights=self.weights + weights, cache=both)

    @property
    def budget(self) -> float:
        """What remains for the cache [bytes]."""
        return self.usable - self.runtime - self.weights

    def capacity_tokens(self, seats: int) -> int:
        """Tokens the replica's cache holds with up to ``seats`` sequences [tokens].

        Windowed layers keep a window per sequence, not every token: a full window is set
        aside for every seat, unless counting all tokens in all layers gives more.
        """
        cache = self.cache
        own_seats = seats / self.ranks
        windows = sum(window * size for window, size in cache.windowed)
        everywhere = _tokens(self.budget - own_seats * cache.state, cache.per_token)
        aside = _tokens(self.budget - own_seats * (cache.state + windows), cache.full)
        return max(everywhere, aside) * self.ranks


#: Where nothing grows with the context, the cache is as good as endless [tokens].
_ENDLESS = 1 << 40


def _tokens(free: float, per_token: float) -> int:
    if free <= 0:
        return 0
    return int(free / per_token) if per_token > 0 else _ENDLESS


@dataclass(frozen=True, slots=True)
class Fit:
    """How a layout is described to the user, and how another one is tried."""

    model: str
    device: str
    described: str
    memory_of: Callable[[tuple[int, int]], DeviceMemory]
    candidates: Iterable[tuple[int, int]]


def place(
    memory: DeviceMemory,
    fit: Fit,
    devices: int,
    kv_bytes_per_token: float,
    block_size: int,
    num_blocks: int | None,
    seats: int,
) -> Placement:
    """The memory of a replica.

    Parameters
    ----------
    num_blocks
        Given by the user, or None for what fits.
    seats
        Sequences that may run at once.

    Raises
    ------
    DoesNotFitError
        Where weights and two blocks of cache exceed the memory; the message shows the arithmetic
        and the smallest layout that works.
    """
    tokens = memory.capacity_tokens(seats)
    blocks = num_blocks if num_blocks is not None else tokens // block_size
    if memory.budget <= 0 or blocks < 2:
        raise DoesNotFitError(_refusal(memory, fit, block_size))
    return Placement(
        devices=devices,
        weight_bytes_per_device=memory.weights,
        kv_bytes_per_token=kv_bytes_per_token,
        kv_bytes_per_token_device=memory.cache.per_token,
        kv_budget_bytes_per_device=memory.budget,
        kv_capacity_tokens=blocks * block_size,
        block_size=block_size,
        num_blocks=blocks,
    )


def _refusal(memory: DeviceMemory, fit: Fit, block_size: int) -> str:
    per_token = memory.cache.per_token
    text = (
        f"{fit.model} does not fit {fit.device} with {fit.described}: per device,"
        f" usable memory {_readable(memory.usable)} - weights {_readable(memory.weights)}"
        f" - runtime {_readable(memory.runtime)} {_remainder(memory.budget)} for the KV cache,"
        f" which takes {_readable(per_token)} per token ({_readable(per_token * block_size)} per block of"
        f" {block_size})"
    )
    works = _smallest(fit, block_size)
    return f"{text}; {works}"


def _smallest(fit: Fit, block_size: int) -> str:
    most = 1
    for tensor, pipeline in fit.candidates:
        most = max(most, tensor * pipeline)
        memory = fit.memory_of((tensor, pipeline))
        if memory.budget > 0 and memory.capacity_tokens(1) >= 2 * block_size:
            parts = [f"tensor: {tensor}"] + ([f"pipeline: {pipeline}"] if pipeline > 1 else [])
            return (
                f"the smallest parallelism that fits is {{{', '.join(parts)}}}: {tensor * pipeline} devices"
                f" with {_readable(memory.weights)} of weights each, {_readable(memory.budget)} left,"
                f" room for {memory.capacity_tokens(1):,} tokens"
            )
    if most == 1:
        return "one such device is all there can be, for no link to others is known"
    return f"no parallelism of up to {most:,} devices fits"


def _remainder(budget: float) -> str:
    return f"leaves {_readable(budget)}" if budget > 0 else f"is {_readable(-budget)} short, nothing is left"


def _readable(size: float) -> str:
    magnitude = abs(size)
    for unit, value in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if magnitude >= value:
            return f"{size / value:,.2f} {unit}"
    return f"{size:.0f} B"
