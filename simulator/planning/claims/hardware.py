"""Claims on hardware (C11 to C14, C25, C39).

Nothing here is looked up: every figure is worked out from the profiles, by placing a model or by pricing its
steps, and changes when they do.
"""

from __future__ import annotations

from math import ceil, isclose

from simulator.hardware.catalogue import load_device
from simulator.latency.compile import CompiledBackend, compile_backend
from simulator.latency.layout import lay_out
from simulator.latency.machine import machine_of
from simulator.latency.pricer import Step
from simulator.latency.resident import active_layer_bytes, attention_flops, prompt_flops_per_token
from simulator.latency.smallest import smallest_parallelism
from simulator.models.accounting import count_parameters, kv_bytes, weight_bytes
from simulator.models.catalogue import load_model
from simulator.planning.claims.fact import ComputedFact
from simulator.planning.claims.small import H100, served
from simulator.scenario.backend import AutoBackendSpec
from simulator.scenario.cluster import ParallelismSpec
from simulator.units.clock import NS_PER_S

GROQ3, RUBIN, WAFER = "nvidia-groq3-lpu", "nvidia-rubin-nvl72", "cerebras-wse3"
GROQ1 = "groq-lpu-v1"
#: Difference at which a figure is still the claimed one [1].
_AS_CLAIMED = 0.01
#: Context of single streams [tokens].
CONTEXT = 500
#: Models that people call frontier, and their neighbours, with the format they are served in on wafers.
FRONTIER = {
    "llama-3.1-8b": "bf16",
    "gpt-oss-120b": "bf16",
    "llama-3.1-70b": "bf16",
    "glm-4.5": "bf16",
    "qwen3-235b-a22b": "bf16",
    "llama-3.1-405b": "bf16",
    "kimi-k2": "fp8",
    "deepseek-v3": "fp8",
}


def _is_as_claimed(value: float, claimed: float) -> bool:
    """Whether a figure is the claimed one, to the digits in which such figures are given."""
    return isclose(value, claimed, rel_tol=_AS_CLAIMED)


def lpu_bandwidth() -> list[ComputedFact]:
    """C11: 150 TB/s a chip, and what the capacity beside it means."""
    lpu, card = load_device(GROQ3), load_model("llama-3.1-70b")
    sram = lpu.main_memory
    assert sram.bandwidth is not None and sram.capacity is not None
    for_weights = ceil(weight_bytes(card, "fp8") / sram.capacity)
    smallest = smallest_parallelism(card, lpu, weight_dtype="fp8", kv_dtype="fp8")
    assert smallest is not None
    chips = smallest[0] * smallest[1]
    per_chip, rack = sram.bandwidth / 1e12, lpu.devices_per_system
    return [
        ComputedFact(
            "C11", "SRAM bandwidth of a Groq 3 chip", per_chip, "TB/s", "150", _is_as_claimed(per_chip, 150)
        ),
        ComputedFact(
            "C11",
            "chips whose SRAM holds 70B weights in 8 bits",
            for_weights,
            "chips",
            "at least 140",
            for_weights >= 140,
        ),
        ComputedFact("C11", "chips that also hold 4,096 tokens of cache", chips, "chips", "more"),
        ComputedFact("C11", "SRAM of a rack", rack * sram.capacity / 1e9, "GB", "128"),
        ComputedFact("C11", "SRAM bandwidth of a rack", rack * sram.bandwidth / 1e15, "PB/s", "38 to 40"),
    ]


def lpu_against_gpu() -> list[ComputedFact]:
    """C12: seven times faster than Rubin: per chip in bandwidth, not in speed."""
    lpu, gpu = load_device(GROQ3).main_memory, load_device(RUBIN).main_memory
    assert lpu.bandwidth and lpu.capacity and gpu.bandwidth and gpu.capacity
    per_chip = lpu.bandwidth / gpu.bandwidth
    per_byte = per_chip * gpu.capacity / lpu.capacity
    lpus = _smallest(GROQ3, "llama-3.1-70b", "fp8")
    gpus = _compiled(RUBIN, "llama-3.1-70b", "fp8", ParallelismSpec(tensor=8))
    user = _rate(lpus) / _rate(gpus)
    chips = lpus.placement.devices / gpus.placement.devices
    return [
        ComputedFact("C12", "bandwidth of a chip over a Rubin's", per_chip, "times", "7", 6 < per_chip < 8),
        ComputedFact("C12", "bandwidth per byte of memory over Rubin's", per_byte, "times", "about 4,000"),
        ComputedFact(
            "C12",
            "speed of one user of Llama-3.1-70B, smallest LPU system over 8 Rubins",
            user,
            "times",
            "7 (3 to 10 expected)",
            user > 6,
        ),
        ComputedFact(
            "C12", "speed of one user per chip, over Rubin's", user / chips, "times", "7", user / chips > 6
        ),
    ]


def wafer_capacity() -> list[ComputedFact]:
    """C13: whole models in SRAM with 21 PB/s: how many wafers, and how little of the bandwidth is used."""
    wafer = load_device(WAFER).main_memory
    assert wafer.bandwidth is not None
    rate = wafer.bandwidth / 1e15
    facts = [
        ComputedFact("C13", "SRAM bandwidth of a wafer", rate, "PB/s", "21", _is_as_claimed(rate, 21)),
    ]
    expected = {
        "llama-3.1-8b": ("bf16", "1"),
        "gpt-oss-120b": ("mxfp4", "2"),
        "llama-3.1-70b": ("bf16", "4"),
        "llama-3.1-405b": ("bf16", "19"),
    }
    for model, (dtype, claimed) in expected.items():
        found = smallest_parallelism(load_model(model), load_device(WAFER), weight_dtype=dtype)
        assert found is not None
        wafers = found[0] * found[1]
        facts.append(
            ComputedFact(
                "C13",
                f"wafers for {model} in {dtype}",
                wafers,
                "wafers",
                f"1 ({claimed} expected)",
                wafers == 1,
            )
        )
    backend = _smallest(WAFER, "gpt-oss-120b", "bf16")
    read = 2.0 * count_parameters(load_model("gpt-oss-120b")).read_per_token
    used = read * _rate(backend) / (backend.placement.devices * wafer.bandwidth)
    facts.append(
        ComputedFact(
            "C13",
            "share of the wafers' bandwidth that one user of gpt-oss-120b uses",
            100 * used,
            "%",
            "below 0.1",
        )
    )
    return facts


def wafer_speed() -> list[ComputedFact]:
    """C14: 3,000 tokens per second on a wafer, and for which models."""
    facts = []
    for model, dtype in FRONTIER.items():
        rate = _rate(_smallest(WAFER, model, dtype))
        facts.append(
            ComputedFact(
                "C14",
                f"tokens/s of one user of {model}, without speculation",
                rate,
                "tokens/s",
                "3,000",
                rate >= 3000,
            )
        )
    return facts


def bound_by_memory() -> list[ComputedFact]:
    """C25: decode is bound by memory, up to a batch, and at long contexts at any."""
    short, long = _first_compute_bound(100), _first_compute_bound(16_000)
    what = "batch from which products take longer than reading (Llama-3.1-8B on an H100,"
    return [
        ComputedFact(
            "C25", f"{what} 100 tokens of context)", short, "sequences", "150 to 300 and above", short >= 150
        ),
        ComputedFact(
            "C25", f"{what} 16,000 tokens; 0: at no batch)", long, "sequences", "at no batch", long == 0
        ),
    ]


def _first_compute_bound(context: int) -> int:
    """Smallest batch whose products take longer than reading weights and cache at peak rates; 0 for none."""
    machine, card = machine_of(load_device(H100)), load_model("llama-3.1-8b")
    layout = lay_out(card, 1, 1, 1, 1, "bf16", "bf16")
    flops = prompt_flops_per_token(layout) + context * attention_flops(layout)
    weights, cache = active_layer_bytes(layout), kv_bytes(card).sequence(context)
    slack = flops / machine.product_flops("bf16") - cache / machine.bandwidth
    return ceil(weights / machine.bandwidth / slack) if slack > 0 else 0


def deterministic() -> list[ComputedFact]:
    """C39: Groq schedules deterministically: one stream hears its tokens at even times."""
    result = served(
        {"card": "llama-2-70b", "weight_dtype": "int8"},
        GROQ1,
        seats=1,
        batch=1,
        requests=20,
        prompt=500,
        output=200,
        tensor=8,
        pipeline=72,
        engine={"max_model_len": 700, "enable_prefix_caching": False},
    )
    gaps = result.summary.latency.itl
    assert gaps is not None
    ratio = gaps.p99 / gaps.p50
    return [
        ComputedFact(
            "C39",
            "p99 over median of the time between tokens, one stream on Groq",
            ratio,
            "times",
            "near 1",
            ratio < 1.05,
        )
    ]


def _compiled(device: str, model: str, dtype: str, parallelism: ParallelismSpec) -> CompiledBackend:
    return compile_backend(
        AutoBackendSpec(), load_model(model), load_device(device), parallelism, weight_dtype=dtype
    )


def _smallest(device: str, model: str, dtype: str) -> CompiledBackend:
    """A model on the fewest devices that hold it."""
    found = smallest_parallelism(load_model(model), load_device(device), weight_dtype=dtype)
    assert found is not None
    return _compiled(device, model, dtype, ParallelismSpec(tensor=found[0], pipeline=found[1]))


def _rate(backend: CompiledBackend) -> float:
    """Tokens per second of one user alone [1/s]."""
    return NS_PER_S / backend.pricer.step_ns(*Step.of_decodes(1, CONTEXT))
