"""aiconfigurator-silicon: InferenceMAX/InferenceX results and the vendor's own, closed loop.

Assumed, where the rows say nothing:

- InferenceX rows (with a date, an image or a dated file): prompts and outputs equally likely from 80 to
  100 % of nominal, ten requests for each in flight, the first ones all at once, means over all
  requests. The vendor's own rows: the same with nominal prompts and outputs from 95 % on, so that
  clients drift apart as real ones do; with SGLang all requests come at once and only once (time to first
  token is half of what all prompts take together, at every size).
- Prompts are random, so tokens choose their experts alike (`DIVERSITY`, `SPREAD`), and nothing is shared.
- Sampling is greedy. vLLM schedules ahead in InferenceX rows (its recipes ask for that), else as its
  version does.
- The KV cache has 8 bits on Blackwell with quantised weights (NVIDIA's checkpoints and recipes ask for
  that), else 16.
- Some rows list the devices squared: 8 GPUs with 8-way expert parallelism as 64. Sister rows with the same
  measurements say what is right. Others of GB200 list whole systems as one engine of 12 to 72 devices that
  all share every layer; rows of prefill and decode engines a month later have the same times at the same
  loads (36 devices: one prefill engine of 4 and four decode engines of 8). These are refused.
- Which rows used multi-token prediction: `simulator.calibration.points.sources.silicon_drafts`.
- A step takes `STEP_TOKENS` for every rank with attention of its own: all three programs count by rank.
- Ranks with attention of their own send tokens only where their experts are (`OWN_EXCHANGE`), and servers
  take as much memory as weights and cache need (`MEMORY`): 8-bit DeepSeek runs on four B200.
- SGLang and TensorRT-LLM send several tokens at a time in InferenceX recipes (`STREAM_INTERVAL`); the time to
  first token of these rows is longer by about as many tokens. With data-parallel attention TensorRT-LLM also
  lets prompts wait (`BALANCE_STEPS`).
"""

from __future__ import annotations

from typing import Any

from simulator.calibration.not_simulated import NotSimulated
from simulator.calibration.points.engines import Engines, Spread, disaggregated, link_between
from simulator.calibration.points.floors import refuse_faster_than_memory
from simulator.calibration.points.load import Load, closed_loop, fixed, static_batch, uniform
from simulator.calibration.points.point import OperatingPoint
from simulator.calibration.points.setup import (
    API_DELAYS,
    Setup,
    card_of,
    device_of,
    lengths_of,
    load_value_of,
    routing_of,
)
from simulator.calibration.points.sources.silicon_drafts import drafts_of
from simulator.hardware.device import Device
from simulator.models.card import ModelCard
from simulator.scenario.backend import AutoBackendSpec
from simulator.scenario.cluster import PoolSpec, Role
from simulator.scenario.engine import EngineSpec, ExpertExchange

#: How random prompts choose experts, and how the loads of expert-parallel ranks scatter (see `Routing`):
#: found by `simulator.calibration.points.engine_fit`.
DIVERSITY, SPREAD = 0.77, 0.55
#: Tokens that arrive at a time under each program, and for models whose recipes ask for another interval
#: (read off the rows: the time to first token is that of the prompt and so many tokens more).
STREAM_INTERVAL = {"sglang": 25, "tensorrt-llm": 5}
STREAM_INTERVAL_OF = {
    ("sglang", "glm-5"): 5,
    ("sglang", "qwen3.5-397b-a17b"): 30,
    ("tensorrt-llm", "deepseek-v3"): 10,
    ("tensorrt-llm", "gpt-oss-120b"): 4,
    ("tensorrt-llm", "llama-3.1-70b"): 2,
}
#: Steps that TensorRT-LLM lets a prompt wait where attention is data parallel, so that ranks get prompts
#: together (recipes allow 50 to 60).
BALANCE_STEPS = 50
#: Requests in a benchmark for each in flight, and at least.
ROUNDS = 10
LEAST_REQUESTS = 32
#: Where that is many and clients drift apart at once, fewer rounds are simulated; the first and the last then
#: count as much as they would.
MANY_REQUESTS, FEW_ROUNDS = 160, 4.0
#: Tokens a step: InferenceX recipes and the defaults of all three programs.
STEP_TOKENS = 8192
SHORTEST, DRIFT = 0.8, 0.95
#: Share of the memory that InferenceX servers take. Not in the rows, and no fit: any from 0.94 on serves
#: all rows of aggregated engines alike, while with 0.92 a dozen would wait for cache that did not, and with
#: 0.85 DeepSeek in 8 bits on four B200 would not start (22 rows that were measured).
MEMORY = 0.95
#: Devices of a node: with more ranks experts are never split. Most devices that share every layer in any row
#: that says how its engines lie.
NODE, WIDEST = 8, 16
#: Programs whose kernels take each token to the ranks of its experts only (DeepEP; TensorRT-LLM's own), and
#: which of them an engine runs: prefill engines those for many tokens, with one copy for each node (DeepEP's
#: README: normal kernels for training and prefill, low-latency ones for decode).
OWN_EXCHANGE = ("sglang", "tensorrt-llm")
EXCHANGES: dict[Role, ExpertExchange] = {
    "unified": "deepep_low_latency",
    "prefill": "deepep_high_throughput",
    "decode": "deepep_low_latency",
}


def setup(point: OperatingPoint) -> Setup:
    """The point as it is simulated."""
    if point.load_kind != "closed":
        raise NotSimulated(f"the load is {point.load_kind!r}, closed loop expected")
    card, device = card_of(point), device_of(point)
    concurrency = round(load_value_of(point))
    weights = weight_dtype(point, card)
    shared: dict[str, Any] = {
        "card": card,
        "device": device,
        "weight_dtype": weights,
        "kv_dtype": kv_dtype(point, device, weights),
        "load": load(point, concurrency),
        "measured": point.measured,
        "delays": API_DELAYS,
        "steady": False,
        "stream_interval": stream_interval(point, card.id),
    }
    if point.mode == "disagg":
        pools = disaggregated(point, concurrency, lambda engines: _pool(point, engines))
        return Setup(pools=pools, link=link_between(device), **shared)
    engine = Engines("main", "unified", 1, spread_of(point), concurrency)
    refuse_faster_than_memory(point, card, device, shared["kv_dtype"], engine.spread.devices)
    return Setup(pools=(_pool(point, engine),), **shared)


def weight_dtype(point: OperatingPoint, card: ModelCard) -> str:
    """Format of the weights; models published in 4-bit blocks are served so, whatever the row calls it."""
    if card.weight_dtype == "mxfp4":
        return "mxfp4"
    return point.weight_dtype or "auto"


def kv_dtype(point: OperatingPoint, device: Device, weights: str) -> str:
    """Format of the KV cache."""
    if point.kv_dtype is not None:
        return point.kv_dtype
    blackwell = "fp4" in device.peak_flops
    return "fp8" if blackwell and weights not in ("auto", "bf16") else "auto"


def is_inferencex(point: OperatingPoint) -> bool:
    """Whether the row comes from InferenceMAX/InferenceX."""
    dataset = str(point.extra.get("dataset", ""))
    return "image" in point.extra or "measured_date" in point.extra or dataset[:2] == "20"


def stream_interval(point: OperatingPoint, model: str) -> int:
    """Tokens that the client sees with the first, those of steps that the prompt waited included."""
    if not is_inferencex(point):
        return 1
    program = point.engine or ""
    interval = STREAM_INTERVAL_OF.get((program, model), STREAM_INTERVAL.get(program, 1))
    waits = program == "tensorrt-llm" and point.mode == "agg" and spread_of(point).data > 1
    return interval + (BALANCE_STEPS if waits else 0)


def load(point: OperatingPoint, concurrency: int) -> Load:
    """The requests of a benchmark."""
    prompt, output = lengths_of(point)
    if point.engine == "sglang" and not is_inferencex(point):
        return static_batch(prompt, output, concurrency)
    spread_out = is_inferencex(point) and concurrency * ROUNDS > MANY_REQUESTS
    rounds = FEW_ROUNDS if spread_out else ROUNDS
    count = max(round(rounds * concurrency), LEAST_REQUESTS)
    stands_for = max(ROUNDS, LEAST_REQUESTS / concurrency)
    outputs = uniform((SHORTEST if is_inferencex(point) else DRIFT) * output, output, count, seed=2)
    prompts = fixed(prompt, count)
    if is_inferencex(point):
        prompts = uniform(SHORTEST * prompt, prompt, count, seed=1)
    return closed_loop(prompts, outputs, concurrency, rounds=stands_for)


def _sends_to_experts(spread: Spread) -> bool:
    """Whether data-parallel ranks send tokens only to the ranks of their experts."""
    return spread.data > NODE or (spread.data > 1 and spread.expert > 1)


def spread_of(point: OperatingPoint) -> Spread:
    """How an aggregated engine lies on its devices.

    Raises
    ------
    NotSimulated
        Where the row gives the devices of a whole system as those of one engine.
    """
    if (point.tp or 1) > WIDEST and (point.dp or 1) == (point.ep or 1) == 1:
        raise NotSimulated(
            f"{point.tp} devices share every layer, as no program has it: these are the devices of a whole"
            " system, and the row does not say what its engines were"
        )
    tensor, data, expert = point.tp or 1, point.dp or 1, point.ep or 1
    moe_tensor = int(point.extra.get("moe_tp_size", 1) or 1)
    if expert > 1 and moe_tensor == expert and tensor * data == expert * expert:
        tensor, data = (expert, 1) if tensor >= data else (1, expert)
    elif tensor > 1 and tensor == data and expert == tensor * data:
        data, expert = 1, tensor
    return Spread(tensor, point.pp or 1, data, expert)


def _pool(point: OperatingPoint, engines: Engines) -> PoolSpec:
    ahead = True if is_inferencex(point) or point.engine != "vllm" else None
    version = (point.engine_version or "") if point.engine == "vllm" else ""
    engine: dict[str, Any] = {
        "max_num_seqs": engines.running,
        "max_num_batched_tokens": max(STEP_TOKENS * engines.spread.data, engines.running),
        "enable_prefix_caching": False,
        "async_scheduling": ahead,
    }
    if point.engine in OWN_EXCHANGE and _sends_to_experts(engines.spread):
        engine["all2all_backend"] = EXCHANGES[engines.role]
    if is_inferencex(point):
        engine["gpu_memory_utilization"] = MEMORY
    if version:
        engine["engine_version"] = version
    return PoolSpec(
        name=engines.name,
        role=engines.role,
        hardware=point.device or "",
        replicas=engines.count,
        parallelism=engines.spread.spec,
        engine=EngineSpec(**engine),
        speculative=drafts_of(point),
        latency=AutoBackendSpec(
            sampler="greedy", software=point.engine, **routing_of(card_of(point), DIVERSITY, SPREAD)
        ),
    )
