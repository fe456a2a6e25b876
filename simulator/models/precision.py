"""Number formats of weights and of the KV cache: how many bytes one value takes.

Block formats count their scales: mxfp4 holds 32 values of 4 bits and a scale of 8 bits
(OCP MX specification), nvfp4 16 values and a scale of 8 bits, the GGML formats as in
llama.cpp, int4 groups of 128 values with a 16-bit scale (the usual AWQ and GPTQ
setting), bfp8 a mix of Tenstorrent's block formats. Scales per tensor, per channel or per
128x128 block (fp8, int8) are below 0.1 % and left out. Formats that end in ``-2:4`` are of pruned weights.
"""

from __future__ import annotations

from functools import cache

from simulator.errors import InputError, nearest

#: Bytes per stored value, scales included.
BYTES_PER_VALUE: dict[str, float] = {
    "fp32": 4.0,
    "bf16": 2.0,
    "fp16": 2.0,
    "fp8": 1.0,
    "int8": 1.0,
    "q8_0": 1.0625,
    "bfp8": 0.8,
    "q4_k_m": 0.6,
    "q4_0": 0.5625,
    "nvfp4": 0.5625,
    "mxfp4": 0.53125,
    "nf4": 0.515625,
    "int4": 0.515625,
    "bf16-2:4": 1.125,
    "fp16-2:4": 1.125,
    "fp8-2:4": 0.625,
    "int8-2:4": 0.625,
}

#: Ending of formats of pruned weights: of every four values two are kept, each with two bits for its place
#: (Mishra et al., "Accelerating Sparse Deep Neural Networks", arXiv 2104.08378).
_PRUNED = "-2:4"

#: Other spellings of the same formats, as engines and benchmarks use them.
OTHER_SPELLINGS = {
    "bfloat16": "bf16",
    "float16": "fp16",
    "half": "fp16",
    "float": "fp32",
    "float32": "fp32",
    "fp8_e4m3": "fp8",
    "fp8_e5m2": "fp8",
    "fp8_inc": "fp8",
    "fp4": "nvfp4",
    "uint4": "int4",
    "awq": "int4",
    "gptq": "int4",
}

#: Formats in which a checkpoint quantises every matrix, embeddings included (llama.cpp and 16 bits or more).
QUANTISES_EVERYTHING = frozenset({"fp32", "bf16", "fp16", "q8_0", "q4_0", "q4_k_m"})


def canonical_dtype(name: str) -> str:
    """The format's name in ``BYTES_PER_VALUE``.

    Raises
    ------
    InputError
        Where no such format is known.
    """
    lower = name.lower()
    pruned = _PRUNED if is_sparse(lower) else ""
    dense = lower.removesuffix(_PRUNED)
    found = OTHER_SPELLINGS.get(dense, dense) + pruned
    if found not in BYTES_PER_VALUE:
        known = [*BYTES_PER_VALUE, *OTHER_SPELLINGS]
        raise InputError(
            f"unknown number format {name!r}{nearest(name, known)}; known are {', '.join(BYTES_PER_VALUE)}"
        )
    return found


def is_sparse(dtype: str) -> bool:
    """Whether weights of this format are pruned to two of every four."""
    return dtype.endswith(_PRUNED)


def dense_format(dtype: str) -> str:
    """The format of the values that are kept."""
    return dtype.removesuffix(_PRUNED)


@cache
def bytes_per_value(dtype: str) -> float:
    """Bytes one stored value takes in this format, scales included."""
    return BYTES_PER_VALUE[canonical_dtype(dtype)]
