"""Claims on serving: batching, quantisation, caches, prompts and outputs apart.

C04, C06, C18, C22, C32, C35 to C37, C40, C42.
"""

from __future__ import annotations

from typing import Any

from simulator.hardware.catalogue import load_device
from simulator.latency.compile import compile_backend
from simulator.models.accounting import weight_bytes
from simulator.models.catalogue import load_model
from simulator.planning.capacity import carries
from simulator.planning.claims.fact import ComputedFact
from simulator.planning.claims.small import (
    H100,
    joules_per_token,
    per_million,
    served,
    tokens_per_s,
    tpot_ms,
)
from simulator.scenario.backend import AutoBackendSpec
from simulator.scenario.cluster import ParallelismSpec
from simulator.scenario.engine import EngineSpec
from simulator.scenario.loading import load_scenario
from simulator.simulation import run_scenario

SEVENTY, EIGHT = "llama-3.1-70b", "llama-3.1-8b"
#: Nobody waits so long for what usually takes a second [s].
_FAR_BEYOND_S = 10.0


def ladder() -> list[ComputedFact]:
    """C04: what each optimisation and all together do to the cost of a 70B on four H100."""

    def cost(seats: int, dtype: str = "bf16", tensor: int = 4) -> float:
        model = {"card": SEVENTY, "weight_dtype": dtype}
        return per_million(served(model, seats=seats, requests=3 * seats + 8, prompt=1000, tensor=tensor))

    naive = cost(4)
    gains = {
        "FP8 weights alone, 4 at once, on two H100 instead of four": naive / cost(4, "fp8", 2),
        "continuous batching alone, 128 at once instead of 4": naive / cost(128),
        "both together": naive / cost(128, "fp8", 2),
    }
    return [
        ComputedFact("C04", what, gain, "times cheaper", "2 to 4", 1.75 <= gain <= 4.5)
        for what, gain in gains.items()
    ]


def interactive_latency() -> list[ComputedFact]:
    """C06: under 100 ms for interactive use, by what is measured."""
    facts = []
    for name, model, tensor, rate in (
        ("8B on an H100", EIGHT, 1, 8.0),
        ("70B on four H100", SEVENTY, 4, 4.0),
    ):
        result = served(model, seats=1, requests=200, prompt=1500, output=300, tensor=tensor, rate=rate)
        ttft, whole = result.summary.latency.ttft, result.summary.latency.e2el
        assert ttft is not None and whole is not None
        for what, value in (
            ("p99 time to first token", ttft.p99),
            ("time per output token", tpot_ms(result)),
            ("whole answer of 300 tokens", whole.p50),
        ):
            facts.append(ComputedFact("C06", f"{what}, {name}", value, "ms", "below 100", value < 100))
    return facts


def hundredfold_tokens() -> list[ComputedFact]:
    """C18: whether sixty-four times the tokens cost sixty-four times as much."""
    samples = 64
    chain, many = {"kind": "chain"}, {"kind": "best_of_n", "samples": samples}
    # a full node has 1,024 sequences under way, of as many tasks or of a sixty-fourth of them
    loads = {
        "an idle node": ((chain, 1, 1), (many, 1, 1)),
        "a full node": ((chain, 1024, 1024), (many, 16, 32)),
    }
    ratios = {}
    for name, pair in loads.items():
        costs = []
        for strategy, users, count in pair:
            tasks = served(
                EIGHT, seats=users, requests=count, output=100, thinking=900, strategy=strategy
            ).summary.tasks
            assert tasks is not None and tasks.cost is not None
            costs.append(tasks.cost.mid)
        ratios[name] = costs[1] / costs[0]
    long = served(EIGHT, seats=64, requests=64, output=16_000)
    short = served(EIGHT, seats=64, requests=64, output=1000)
    grown = 16 * per_million(long) / per_million(short)
    return [
        ComputedFact(
            "C18",
            f"cost of {samples} samples over one, {name}",
            ratio,
            "times",
            f"{samples}",
            0.75 * samples <= ratio <= 1.5 * samples,
        )
        for name, ratio in ratios.items()
    ] + [
        ComputedFact(
            "C18",
            "cost of a chain of 16,000 tokens over one of 1,000, 64 users",
            grown,
            "times",
            "16",
            12 <= grown <= 20,
        )
    ]


def smaller_weights() -> list[ComputedFact]:
    """C22: bytes of weights in four bits, scales included."""
    card = load_model(SEVENTY)
    facts = []
    for dtype in ("int4", "mxfp4", "nvfp4"):
        ratio = weight_bytes(card, "bf16") / weight_bytes(card, dtype)
        facts.append(
            ComputedFact("C22", f"70B in BF16 over {dtype}", ratio, "times", "4", 3.2 <= ratio <= 4.2)
        )
    return facts


def search_with_reasoning() -> list[ComputedFact]:
    """C32: GPUs for 5,000 searches a second, plain and with one in twenty thought about."""
    plain = served(EIGHT, seats=256, requests=1500, prompt=300, output=60)
    rate = plain.summary.rate(plain.summary.counts.completed) or 0.0
    scenario = {
        "workload": {
            "arrivals": {"process": "closed_loop", "concurrency": 256},
            "classes": [
                {
                    "share": share,
                    "prompt_tokens": {"distribution": "fixed", "tokens": 300},
                    "output_tokens": {"distribution": "fixed", "tokens": tokens},
                }
                for share, tokens in ((0.95, 60), (0.05, 4000))
            ],
        },
        "model": EIGHT,
        "cluster": {"pools": [{"name": "main", "hardware": H100, "engine": {"max_model_len": 8192}}]},
        "requests": 3000,
    }
    mixed = run_scenario(load_scenario(scenario))
    thought = mixed.summary.rate(mixed.summary.counts.completed) or 0.0
    factor = rate / thought
    thought_s = 4000 * tpot_ms(served(EIGHT, seats=1, requests=2)) / 1e3
    return [
        ComputedFact("C32", "H100 for 5,000 plain searches a second, 8B", 5000 / rate, "GPUs", ""),
        ComputedFact(
            "C32",
            "times as many with one in twenty thought about (4,000 tokens)",
            factor,
            "times",
            "too slow, too dear: 4 to 6 expected",
            factor >= 2,
        ),
        ComputedFact(
            "C32",
            "a thought of 4,000 tokens alone",
            thought_s,
            "s",
            "far beyond a second",
            thought_s >= _FAR_BEYOND_S,
        ),
    ]


def on_a_phone() -> list[ComputedFact]:
    """C35: long reasoning on a phone: an 8B in four bits, a question of 5,000 tokens."""
    facts = []
    for device in ("apple-a18-pro", "qualcomm-8-elite"):
        result = served(
            {"card": "qwen3-0.6b", "weight_dtype": "int4"},
            device,
            seats=1,
            requests=1,
            output=5000,
            engine={"max_num_seqs": 1},
            prompt=200,
        )
        latency = result.summary.latency.e2el
        assert latency is not None
        seconds = latency.mean / 1e3
        facts.append(
            ComputedFact(
                "C35",
                f"5,000 tokens of a 0.6B in INT4 on {device}",
                seconds,
                "s",
                "impractical (minutes)",
                seconds > 60,
            )
        )
    bits = weight_bytes(load_model(EIGHT), "bf16") / weight_bytes(load_model(EIGHT), "int4")
    room = weight_bytes(load_model(EIGHT), "bf16") / 1e9
    facts.append(
        ComputedFact(
            "C35", "8B in BF16, beside 8 GB of a phone's memory", room, "GB", "INT4 is a must", room > 8
        )
    )
    facts.append(ComputedFact("C35", "smaller in INT4", bits, "times", ""))
    return facts


def documents() -> list[ComputedFact]:
    """C36: ten million documents, plain and with 2,000 thinking tokens each."""
    plain = served(EIGHT, seats=256, requests=1024, prompt=2000, output=100)
    thought = served(EIGHT, seats=256, requests=1024, prompt=2000, output=100, thinking=2000)
    costs = []
    for result in (plain, thought):
        per_request = result.summary.cost.per_request_usd
        assert per_request is not None
        costs.append(per_request)
    ratio = costs[1] / costs[0]
    alone = served(EIGHT, seats=8, requests=64, prompt=2000, output=100)
    batching = joules_per_token(alone) / joules_per_token(plain)
    return [
        ComputedFact("C36", "ten million documents, plain, 8B on H100", 1e7 * costs[0], "USD", ""),
        ComputedFact(
            "C36", "cost with 2,000 thinking tokens over plain", ratio, "times", "3 to 8", ratio >= 3
        ),
        ComputedFact(
            "C36", "energy per token, 8 at once over 256", batching, "times", "batching pays", batching > 1.5
        ),
    ]


def longer_contexts() -> list[ComputedFact]:
    """C37: an 8-bit cache holds twice the tokens."""
    card, device = load_model(SEVENTY), load_device(H100)
    tokens = {
        dtype: compile_backend(
            AutoBackendSpec(), card, device, ParallelismSpec(tensor=4), EngineSpec(), kv_dtype=dtype
        ).placement.kv_capacity_tokens
        for dtype in ("bf16", "fp8")
    }
    gain = tokens["fp8"] / tokens["bf16"]
    models: list[Any] = [{"card": SEVENTY, "kv_dtype": dtype} for dtype in ("bf16", "fp8")]
    slow, fast = (
        tokens_per_s(served(model, seats=96, requests=96, prompt=12_000, output=500, tensor=4))
        for model in models
    )
    return [
        ComputedFact(
            "C37", "tokens in an FP8 cache over BF16, 70B on four H100", gain, "times", "longer", gain > 1.5
        ),
        ComputedFact(
            "C37",
            "tokens per second with it, where the cache is short",
            fast / slow,
            "times",
            "more",
            fast / slow > 1.02,
        ),
    ]


def separate_concerns() -> list[ComputedFact]:
    """C40: whether an optimisation gains the same under chat and under reasoning."""
    gains: dict[str, list[float]] = {"an FP8 cache": [], "FP8 weights": []}
    for prompt, output in ((1000, 200), (500, 8000)):
        base = tokens_per_s(served(EIGHT, seats=256, requests=256, prompt=prompt, output=output))
        for name, model in (
            ("an FP8 cache", {"card": EIGHT, "kv_dtype": "fp8"}),
            ("FP8 weights", {"card": EIGHT, "weight_dtype": "fp8"}),
        ):
            other = tokens_per_s(served(model, seats=256, requests=256, prompt=prompt, output=output))
            gains[name].append(other / base)
    return [
        ComputedFact(
            "C40",
            f"gain of {name} under reasoning over its gain under chat",
            pair[1] / pair[0],
            "times",
            "1 (separate)",
            0.9 <= pair[1] / pair[0] <= 1.1,
        )
        for name, pair in gains.items()
    ]


def disaggregated() -> list[ComputedFact]:
    """C42: prompts and outputs apart, on as many GPUs, within tight and loose objectives."""
    facts = []
    for name, slo in (("20 ms", "20 ms"), ("100 ms", "100 ms")):
        rates = [_highest_rate(apart, slo) for apart in (False, True)]
        gain = rates[1] / rates[0] if rates[0] else float("inf")
        what = f"requests/s apart over together, 70B on eight H100, TPOT {name}"
        if rates[0] == 0.0:
            what, gain = f"requests/s apart, TPOT {name} (together: none)", rates[1]
        facts.append(ComputedFact("C42", what, gain, "times" if rates[0] else "1/s", "a gain", gain > 1.05))
    return facts


def _highest_rate(apart: bool, tpot: str) -> float:
    """Highest of some rates that eight H100 carry [1/s]; 0 for none."""
    engine = {"max_model_len": 8192, "max_num_batched_tokens": 8192}
    half = {"hardware": H100, "replicas": 1, "parallelism": {"tensor": 4}, "engine": engine}
    pools: list[dict[str, Any]] = [{"name": "both", **half, "replicas": 2}]
    if apart:
        pools = [{"name": "p", "role": "prefill", **half}, {"name": "d", "role": "decode", **half}]
    cluster: dict[str, Any] = {"pools": pools, "router": {"policy": "least_outstanding"}}
    if apart:
        cluster["transfer"] = {"bandwidth": "50 GB/s", "latency": "10 us"}
    best = 0.0
    for rate in (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 11.0, 15.0):
        scenario = {
            "workload": {
                "arrivals": {"process": "poisson", "rate": f"{rate} /s"},
                "prompt_tokens": {"distribution": "lognormal", "median": 1500, "sigma": 0.6, "max": 6000},
                "output_tokens": {"distribution": "lognormal", "median": 200, "sigma": 0.5, "max": 1500},
            },
            "model": SEVENTY,
            "cluster": cluster,
            "slo": {"ttft": "1 s", "tpot": tpot, "attainment": 0.9},
            "requests": 300,
        }
        if not carries(run_scenario(load_scenario(scenario))):
            break
        best = rate
    return best
