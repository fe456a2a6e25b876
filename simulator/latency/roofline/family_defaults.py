"""Constants of devices that nobody profiled: taken over from the profiled ones, as estimates.

Evidence that they carry over: the best dense product of 18 device and precision pairs
reaches 0.51 to 0.97 of peak, median 0.75 (stas00/ml-engineering, matmul search), and
streaming decodes of one sequence 0.1 to 0.8 of the bandwidth bound on HBM and GDDR
machines. Profiled H100, A100 and B200 lie at 0.72 to 0.87 of peak and 0.80 to 0.92 of
the bandwidth (aiconfigurator-core 0.12 operator tables).
"""

from __future__ import annotations

from simulator.hardware.execution import (
    DecodeAttention,
    Experts,
    Gemm,
    Host,
    LayerRest,
    Power,
    PrefillAttention,
    RooflineExecution,
    Sampling,
)

_SOURCE = "carried over from H100, A100 and B200 operator tables (aiconfigurator-core 0.12.0)"
_DATE = "2026-11-24"

#: Bandwidth of the H100, for constants that scale with the memory [bytes/s].
H100_BANDWIDTH = 3.35e12

#: Share of peak at which FlashAttention 2 computes whole tiles of queries in mixed batches: 0.64 on
#: RTX 4090, 0.52 on RTX PRO 6000 (operator tables of LLMServingSim, vLLM 0.19.0).
FLASH_ATTENTION_2 = 0.58


def default_execution(bandwidth: float, family: str = "gpu-hbm") -> RooflineExecution:
    """Every group of constants for a device of this family and memory bandwidth [bytes/s]."""
    common = _common(bandwidth)
    return common.model_copy(update=_gddr()) if family == "gpu-gddr" else common


def _gddr() -> dict[str, object]:
    """Graphics cards: between RTX 4090 and RTX PRO 6000, the two whose layers were timed."""
    about = {
        "source": "carried over from RTX 4090 and RTX PRO 6000 layer tables (LLMServingSim 5daddb2, MIT)",
        "date": "2026-11-27",
        "confidence": "estimate",
    }
    gemm = Gemm.model_validate(
        about
        | {
            "fixed_us": 5.5,
            "bandwidth_efficiency": 0.935,
            "compute_efficiency": 0.9,
            "overlap": 2.8,
            "wide_factor": 1.075,
        }
    )
    attention = DecodeAttention.model_validate(
        about
        | {
            "fixed_us": 13.7,
            "bandwidth_efficiency": 0.8,
            "per_kv_head_ns": 16.5,
            "overlap": 1.0,
            "mixed_compute_efficiency": 0.5,
            "mixed_tile_ns": 1.85,
        }
    )
    return {
        "gemm": {"bf16": gemm},
        "decode_attention": {"bf16": attention},
        "prefill_attention": PrefillAttention.model_validate(
            about | {"compute_efficiency": 0.6, "ramp_tokens": 500.0}
        ),
        "layer": LayerRest.model_validate(about | {"fixed_us": 8.5, "hidden_bytes": 24.0}),
    }


def _common(bandwidth: float) -> RooflineExecution:
    """What accelerators with stacked memory have."""
    slower = H100_BANDWIDTH / bandwidth
    gemm = Gemm(
        source=_SOURCE,
        date=_DATE,
        confidence="estimate",
        fixed_us=4.5,
        bandwidth_efficiency=0.8,
        compute_efficiency=0.7,
        overlap=2.0,
    )
    attention = DecodeAttention(
        source=_SOURCE,
        date=_DATE,
        confidence="estimate",
        fixed_us=14.0,
        bandwidth_efficiency=0.75,
        per_kv_head_ns=14.0,
        overlap=2.0,
        mixed_compute_efficiency=FLASH_ATTENTION_2,
        note="mixed_compute_efficiency from RTX 4090 and RTX PRO 6000 tables (FlashAttention 2)",
    )
    experts = Experts(
        source=_SOURCE,
        date=_DATE,
        confidence="estimate",
        fixed_us=50.0,
        bandwidth_efficiency=0.8,
        compute_efficiency=0.35,
        overlap=1.2,
        imbalance=1.15,
    )
    return RooflineExecution(
        gemm={"bf16": gemm},
        decode_attention={"bf16": attention},
        prefill_attention=PrefillAttention(
            source=_SOURCE,
            date=_DATE,
            confidence="estimate",
            compute_efficiency=0.55,
            ramp_tokens=1000.0,
        ),
        layer=LayerRest(
            source="fitted on 39 vLLM 0.15.1 runs, H100 and A100",
            date=_DATE,
            confidence="estimate",
            fixed_us=16.0,
            hidden_bytes=12.0,
        ),
        experts={"bf16": experts},
        sampling=Sampling(
            source="sort: fitted on vLLM 0.15.1 runs on H100, its slope scaled by bandwidth; triton and "
            "flashinfer: table in vllm-project/vllm pull request 40376, scaled by bandwidth; penalty: passes "
            "over counts, masks and logits in vLLM's code (general knowledge)",
            date=_DATE,
            confidence="estimate",
            sort_us=350.0,
            sort_ns=0.145 * slower,
            triton_us=40.0,
            triton_ns=0.070 * slower,
            flashinfer_us=60.0,
            flashinfer_ns=0.011 * slower,
            penalty_us=100.0,
            penalty_bytes=85.0,
        ),
        host=Host(
            source="residual of vLLM 0.11.1 decode steps on H100 (synchronous scheduling); per sequence "
            "when asynchronous: the scheduler alone; eager launches: general knowledge",
            date=_DATE,
            confidence="estimate",
            step_us=650.0,
            per_sequence_us=27.5,
            hidden_per_sequence_us=14.0,
            eager_layer_us=300.0,
            prompt_layer_us={"vllm": 450.0, "sglang": 600.0, "tensorrt-llm": 800.0},
        ),
        power=Power(
            source="between H100 and B200: text models in ML.ENERGY runs of vLLM 0.11.1",
            date=_DATE,
            confidence="estimate",
            busy=0.31,
            memory=0.31,
            compute=1.03,
        ),
    )
