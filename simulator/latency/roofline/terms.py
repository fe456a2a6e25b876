"""The terms of a roofline step, each a plain function of physical arguments, times in seconds.

Structure and constants: fits to the operator tables of aiconfigurator-core 0.12.0, checked
on 39 serving runs of vLLM 0.15.1 (H100, A100), where these terms with exact scheduling
leave a median error of 1.5 % in the time per output token for models not fitted.
"""

from __future__ import annotations

from functools import cache
from math import ceil, sqrt
from statistics import NormalDist

from simulator.hardware.execution import DecodeAttention, Experts, Gemm

#: Bytes of one activation value.
_ACTIVATION_BYTES = 2
#: Rows of an output tile: tokens are padded to it in the compute of a product.
TILE_TOKENS = 64
#: Most tokens that kernels with the smallest tile work on.
NARROW_TOKENS = 16


def p_norm(one: float, other: float, p: float) -> float:
    """``(one**p + other**p) ** (1/p)``: a soft maximum; 1 adds, large takes the larger."""
    larger = max(one, other)
    if larger <= 0.0:
        return 0.0
    return float(larger * ((one / larger) ** p + (other / larger) ** p) ** (1.0 / p))


def gemm_s(
    constants: Gemm, n: int, k: int, tokens: int, weight_bytes: float, bandwidth: float, peak: float
) -> float:
    """One dense product of ``tokens`` rows with an (n, k) matrix [s], ``fixed_us`` aside.

    ``k d + a Q + (M^p + F^p)^(1/p)`` with M the time to stream weights (``weight_bytes`` each),
    inputs of the same width and 16-bit outputs (``wide_factor`` times that for more than `NARROW_TOKENS`),
    F the time to compute whole tiles, Q one pass over 16-bit inputs and d the latency per step along k.
    """
    narrow = min(weight_bytes, _ACTIVATION_BYTES)
    streamed = n * k * weight_bytes + tokens * (k * narrow + _ACTIVATION_BYTES * n)
    memory = streamed / (constants.bandwidth_efficiency * bandwidth)
    if tokens > NARROW_TOKENS:
        memory *= constants.wide_factor
    compute = 2.0 * TILE_TOKENS * ceil(tokens / TILE_TOKENS) * n * k / (constants.compute_efficiency * peak)
    quantise = constants.activation_passes * _ACTIVATION_BYTES * tokens * k / bandwidth
    return k * constants.per_inner_ns * 1e-9 + quantise + p_norm(memory, compute, constants.overlap)


def experts_s(
    constants: Experts,
    weight_bytes: float,
    activation_bytes: float,
    flops: float,
    bandwidth: float,
    peak: float,
) -> float:
    """The routed experts of one layer on the busiest device [s], ``fixed_us`` aside.

    ``weight_bytes`` are those of the distinct experts that some token visits, ``activation_bytes``
    one pass over inputs and outputs of all visits.
    """
    memory = weight_bytes / (constants.bandwidth_efficiency * bandwidth)
    memory += constants.activation_passes * activation_bytes / bandwidth
    compute = flops / (constants.compute_efficiency * peak)
    return p_norm(memory, compute, constants.overlap)


@cache
def chance_above_mean(ranks: int) -> float:
    """How far the largest of ``ranks`` equal normal draws lies above their mean [standard deviations].

    Blom's approximation of the expected largest order statistic (Statistical Estimates and Transformed
    Beta-Variables, 1958).
    """
    return NormalDist().inv_cdf((ranks - 0.375) / (ranks + 0.25)) if ranks > 1 else 0.0


def busiest_rank(mean: float, ranks: int, spread: float, most: float, filled: float = 0.0) -> float:
    """Load of the busiest of ``ranks`` where each gets ``mean`` on average and at most ``most``.

    ``spread`` is how far loads scatter, in units of pure chance; ``filled`` the share of ``most`` that the
    mean takes up, for counts of distinct things, which scatter less as they run out.
    """
    scatter = sqrt(max(mean * (1.0 - filled), 0.0))
    return min(mean + spread * chance_above_mean(ranks) * scatter, most)


@cache
def crowding(prompts: int, ranks: int) -> float:
    """How many times its share of ``prompts`` the fullest of data-parallel ``ranks`` has, at least one [1].

    Prompts come to ranks by chance: a new one goes where one has just ended.
    """
    share = prompts / ranks
    return max(busiest_rank(share, ranks, 1.0, prompts), 1.0) / share if prompts else 1.0


def decode_attention_s(
    constants: DecodeAttention,
    cache_bytes: float,
    sequence_heads: float,
    flops: float,
    bandwidth: float,
    peak: float,
) -> float:
    """What varies in one layer's attention of one-token entries [s]; ``fixed_us`` comes on top.

    The cache is streamed (``cache_bytes`` of all sequences) or, with many short sequences,
    each of ``sequence_heads`` pairs of a sequence and a KV head takes a minimum. Latent
    attention can also be bound by its products.
    """
    streaming = cache_bytes / (constants.bandwidth_efficiency * bandwidth)
    computing = flops / (LATENT_COMPUTE_EFFICIENCY * peak)
    floor = sequence_heads * constants.per_kv_head_ns * 1e-9
    return p_norm(max(streaming, computing), floor, constants.overlap)


def longest_share(sequences: float, clusters: int) -> float:
    """How much longer a kernel takes that gives sequences whole, or in equal parts, to ``clusters`` [1].

    Against one that shares their tokens out evenly. Every sequence is cut into as many parts as there are
    clusters for it, so that a part of the longest context takes longest and some clusters get none. Contexts
    of sequences that are answered evenly one after another reach from nothing to twice their mean, the
    longest of n to ``2 n / (n + 1)`` times that. Beyond one sequence for each cluster the mean decides.
    """
    parts = max(clusters // max(ceil(sequences), 1), 1)
    longest = 2.0 * sequences / (sequences + 1.0)
    return max(longest * clusters / (sequences * parts), 1.0)


def mixed_decode_s(constants: DecodeAttention, alone_s: float, flops: float, peak: float) -> float:
    """What varies in one layer's attention of one-token entries beside prompts [s].

    ``alone_s`` is the time without prompts. Where prompts and decodes go through one kernel that gives every
    query head tiles of `QUERY_TILE` rows, its products of ``flops`` are computed for all rows. Both the
    tiles and the cache bound it.
    """
    alone_s *= constants.mixed_batch_factor
    if constants.mixed_compute_efficiency is None:
        return alone_s
    tiles = QUERY_TILE * flops / (constants.mixed_compute_efficiency * peak)
    return p_norm(alone_s, tiles, MIXED_OVERLAP)


#: Queries in a tile of attention kernels that serve prompts and decodes at once (FlashAttention 2).
QUERY_TILE = 64
#: How softly the bounds of a mixed batch meet: tables of two devices give 2.7 and 5.
MIXED_OVERLAP = 4.0

#: Share of peak that latent attention reaches when its products bind (an estimate: FlashMLA
#: reports 660 of 989 TFLOP/s on H800).
LATENT_COMPUTE_EFFICIENCY = 0.6


def graph_tokens(tokens: int, largest_graph: int) -> int:
    """Tokens after padding to the sizes CUDA graphs are captured at.

    vLLM captures 1, 2, 4, then multiples of 8 to 256 and of 16 to ``largest_graph``
    (0: no graphs); larger steps are not padded.
    """
    if tokens > largest_graph:
        return tokens
    if tokens <= 2:
        return tokens
    if tokens <= 4:
        return 4
    unit = 8 if tokens <= 256 else 16
    return min(-(-tokens // unit) * unit, largest_graph)
