"""What every execution model needs to know of a device: peaks, one memory tier, draw, exchange.

A narrow view of a hardware profile, so that the equations can be read and tested alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from simulator.errors import InputError
from simulator.hardware.collectives import Links, collective_curve, links_of
from simulator.hardware.device import Device, MemoryTier
from simulator.models.precision import dense_format, is_sparse

#: Formats to fall back to where a device has no unit for one, with the ratio of rates.
#: Narrow formats run on wider units after unpacking; a device that states only narrow
#: rates is taken to run 16 bits at the usual half or quarter (an estimate).
_FALLBACKS: dict[str, tuple[tuple[str, float], ...]] = {
    "bf16": (("bf16", 1.0), ("fp16", 1.0), ("fp8", 0.5), ("bfp8", 0.5), ("int8", 0.5), ("fp4", 0.25)),
    "fp8": (("fp8", 1.0), ("bfp8", 1.0)),
    "int8": (("int8", 1.0),),
    "fp4": (("fp4", 1.0),),
}

#: The format of the multiplication for each format of stored weights. Weight-only formats
#: (int4, mxfp4 and the GGML ones) are unpacked to 16 bits.
_PRODUCT_FORMAT = {"fp8": "fp8", "int8": "int8", "nvfp4": "fp4", "fp32": "bf16"}


#: What products with 2:4 pruned weights gain in practice, over the dense rate: 1.22 in fp8 (HPC-AI Tech blog;
#: the datasheets' factor of two is not reached).
_SPARSE_GAIN = 1.22
#: First year of devices with such multipliers, by maker: NVIDIA's Ampere, AMD's CDNA 3 (general knowledge).
_SPARSE_SINCE = {"NVIDIA": 2020, "AMD": 2023}
_SPARSE_FAMILIES = ("gpu-hbm", "gpu-gddr", "edge-unified")


@dataclass(frozen=True, slots=True)
class SlowTier:
    """Memory that weights may spill to: capacity [bytes] and bandwidth [bytes/s]."""

    capacity: float
    bandwidth: float


@dataclass(frozen=True, slots=True)
class Machine:
    """One device.

    Attributes
    ----------
    peak_flops
        Dense peak by format [FLOP/s].
    bandwidth
        Of the tier that weights and cache are streamed from [bytes/s].
    capacity
        Of that tier [bytes].
    tdp_w, idle_w
        Draw at the limit, and with weights loaded but no work [W]; None where unknown.
    all_reduce_s
        Time of an all-reduce over a number of devices [s] by (devices, message bytes).
    slow
        Memory that weights may spill to, None for none.
    joined
        Whether a link to further devices is known.
    sparse
        Whether its multipliers skip what 2:4 pruning took away.
    all_gather_s
        Likewise of an all-gather of what each of the devices holds.
    links
        Bandwidth and latency inside a domain and between domains.
    """

    name: str
    family: str
    peak_flops: Mapping[str, float]
    bandwidth: float
    capacity: float
    tdp_w: float | None
    idle_w: float | None
    all_reduce_s: Callable[[int, float], float]
    slow: SlowTier | None = None
    joined: bool = True
    sparse: bool = False
    all_gather_s: Callable[[int, float], float] | None = None
    links: Links | None = None

    def product_flops(self, weight_dtype: str) -> float:
        """Peak rate of products with weights stored in this format [FLOP/s].

        Raises
        ------
        InputError
            Where the profile states no usable rate at all.
        """
        gain = 1.0
        if is_sparse(weight_dtype):
            if not self.sparse:
                raise InputError(
                    f"{self.name} has no multipliers for 2:4 pruned weights and would compute them as dense"
                    f" ones; take {dense_format(weight_dtype)}",
                    key="model.weight_dtype",
                )
            gain, weight_dtype = _SPARSE_GAIN, dense_format(weight_dtype)
        wanted = _PRODUCT_FORMAT.get(weight_dtype, "bf16")
        for name, ratio in (*_FALLBACKS[wanted], *_FALLBACKS["bf16"]):
            rate = self.peak_flops.get(name)
            if rate is not None:
                return rate * ratio * gain
        raise InputError(
            f"the profile of {self.name} states no dense peak that could run {weight_dtype} weights"
        )


#: Weights in memory and an open context hold the clocks up: 0.19 against 0.13 of TDP over the devices where
#: both were read (nvidia-smi and rocm-smi print-outs, arXiv 2605.23918).
_LOADED_OVER_BARE_IDLE = 0.06


def machine_of(device: Device, tier: str | None = None, overflow_tier: str | None = None) -> Machine:
    """The view of a device that execution models need.

    Parameters
    ----------
    tier
        Memory tier that weights and cache are streamed from; default: the largest on the device.
    overflow_tier
        Slower tier that weights may spill to; default: none.

    Raises
    ------
    InputError
        Where the profile lacks such a tier, its bandwidth or its capacity.
    """
    capacity, bandwidth = _size_and_speed(device, tier)
    slow = None if overflow_tier is None else SlowTier(*_size_and_speed(device, overflow_tier))

    @cache
    def curve(devices: int) -> Callable[[float], float]:
        return collective_curve(device, "all_reduce", devices).seconds

    @cache
    def gather(devices: int) -> Callable[[float], float]:
        return collective_curve(device, "all_gather", devices).seconds

    return Machine(
        name=device.name,
        family=device.family,
        peak_flops=device.peak_flops,
        bandwidth=bandwidth,
        capacity=capacity,
        tdp_w=device.tdp_w,
        idle_w=loaded_idle_w(device),
        all_reduce_s=lambda devices, size: curve(devices)(size),
        slow=slow,
        joined=_is_joined(device),
        sparse=_skips_pruned(device),
        all_gather_s=lambda devices, size: gather(devices)(size),
        links=links_of(device),
    )


def _skips_pruned(device: Device) -> bool:
    """Whether a device multiplies 2:4 pruned weights faster than dense ones."""
    since = _SPARSE_SINCE.get(device.vendor)
    return since is not None and device.year >= since and device.family in _SPARSE_FAMILIES


def _is_joined(device: Device) -> bool:
    try:
        collective_curve(device, "all_reduce", 2)
    except InputError:
        return False
    return True


def loaded_idle_w(device: Device) -> float | None:
    """Draw with weights loaded and no request [W]: as stated, or estimated from the bare idle and TDP."""
    if device.idle_loaded_w is not None:
        return device.idle_loaded_w
    if device.idle_w is None or device.tdp_w is None:
        return None
    return min(device.idle_w + _LOADED_OVER_BARE_IDLE * device.tdp_w, device.tdp_w)


def _size_and_speed(device: Device, name: str | None) -> tuple[float, float]:
    """Capacity [bytes] and bandwidth [bytes/s] of a memory tier."""
    memory = _tier(device, name)
    if memory.bandwidth is None or memory.capacity is None:
        raise InputError(
            f"{device.name} has no published {'bandwidth' if memory.bandwidth is None else 'capacity'} of its"
            f" {memory.tier}, so it cannot be simulated; give it one in a profile of your own"
        )
    return memory.capacity, memory.bandwidth


def _tier(device: Device, name: str | None) -> MemoryTier:
    if name is None:
        return device.main_memory
    tier = device.memory_tier(name)
    if tier is None:
        known = ", ".join(tier.tier for tier in device.memory)
        raise InputError(f"{device.name} has no memory tier {name!r}; it has {known}", key="execution.tier")
    return tier
