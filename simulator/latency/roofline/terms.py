"""The terms of a roofline step, each a plain function of physical arguments, times in seconds.

Structure and constants: fits to the operator tables of aiconfigurator-core 0.12.0, checked
on 39 serving runs of vLLM 0.15.1 (H100, A100), where these terms with exact scheduling
leave a median error of 1.5 % in the time per output token for models not fitted.
"""

from __future__ import annotations

from math import ceil

from simulator.hardware.execution import DecodeAttention, Experts, Gemm

#: Rows of an output tile: tokens are padded to it in the compute of a product.
TILE_TOKENS = 64


def p_norm(one: float, other: float, p: float) -> float:
    """``(one**p + other**p) ** (1/p)``: a soft maximum; 1 adds, large takes the larger."""
    larger = max(one, other)
    if larger <= 0.0:
        return 0.0
    return float(larger * ((one / larger) ** p + (other / larger) ** p) ** (1.0 / p))


def gemm_s(
    constants: Gemm, n: int, k: int, tokens: int, weight_bytes: float, bandwidth: float, peak: float
) -> float:
    """One dense product of ``tokens`` rows with an (n, k) matrix [s].

    ``t0 + (M^p + F^p)^(1/p)`` with M the time to stream weights (``weight_bytes`` each) and
    16-bit activations, and F the time to compute whole tiles.
    """
    memory = (n * k * weight_bytes + 2.0 * tokens * (n + k)) / (constants.bandwidth_efficiency * bandwidth)
    compute = 2.0 * TILE_TOKENS * ceil(tokens / TILE_TOKENS) * n * k / (constants.compute_efficiency * peak)
    return constants.fixed_us * 1e-6 + p_norm(memory, compute, constants.overlap)


def experts_s(constants: Experts, read_bytes: float, flops: float, bandwidth: float, peak: float) -> float:
    """The routed experts of one layer on one device [s].

    ``read_bytes`` are the weights of the distinct experts that some token visits, ``flops`` the
    work of the busiest device.
    """
    memory = read_bytes / (constants.bandwidth_efficiency * bandwidth)
    compute = flops / (constants.compute_efficiency * peak)
    return constants.fixed_us * 1e-6 + p_norm(memory, compute, constants.overlap)


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
