"""ML.ENERGY (vLLM 0.11.1): steady state with as many requests running as the engine has seats.

Assumed, where the rows say nothing:

- Prompt lengths by task (`PROMPTS`, tokens): a few hundred for chat and exam questions, more for code.
- Outputs scatter around the mean as gamma draws (`VARIATION`). TPOT is the batch over the throughput.
- Sampling is greedy, and the engine's own work between steps is `HOST_US` and `SEQUENCE_US` for each running
  request, fitted on the source's dense models on H100 (`simulator.calibration.points.mlenergy_fit`).
- ``ep`` devices share the experts, and without data parallelism the attention too: ``tp`` is 1 in
  such rows.
- Power is that of the GPUs. Image and video tasks include an encoder that is not simulated.
"""

from __future__ import annotations

from simulator.calibration.points.load import Load, gamma, steady_loop
from simulator.calibration.points.point import OperatingPoint
from simulator.calibration.points.setup import (
    NotSimulated,
    Setup,
    card_of,
    device_of,
    load_value_of,
)
from simulator.scenario.backend import AutoBackendSpec
from simulator.scenario.cluster import ParallelismSpec, PoolSpec
from simulator.scenario.engine import EngineSpec

#: Mean prompt of each text task [tokens], template included (an estimate: not published).
PROMPTS = {"lm-arena-chat": 300, "gpqa": 300, "sourcegraph-fim": 1500}
#: Coefficient of variation of output lengths [1] (an estimate).
VARIATION = {"lm-arena-chat": 1.0, "gpqa": 0.3, "sourcegraph-fim": 0.8}
HOST_US, SEQUENCE_US = 768.0, 36.2
#: Requests for each in flight, and at least.
ROUNDS, LEAST_REQUESTS = 2, 200
STEP_TOKENS = 8192


def setup(point: OperatingPoint) -> Setup:
    """The point as it is simulated."""
    task = str(point.extra.get("task"))
    if task not in PROMPTS:
        raise NotSimulated(f"task {task!r}: prompts hold images or video, whose encoder is not simulated")
    card, device = card_of(point), device_of(point)
    seats = round(load_value_of(point))
    running = float(point.extra.get("avg_batch_size") or seats)
    pool = PoolSpec(
        name="main",
        hardware=point.device or "",
        parallelism=parallelism(point),
        engine=EngineSpec(
            engine_version=point.engine_version or "0.11.1",
            max_num_seqs=seats,
            max_num_batched_tokens=max(STEP_TOKENS, seats),
            enable_prefix_caching=False,
        ),
        latency=AutoBackendSpec(sampler="greedy", host_us=HOST_US, host_per_sequence_us=SEQUENCE_US),
    )
    measured = dict(point.measured)
    if "output_tokens_per_s" in measured:
        measured["tpot_s"] = running / measured["output_tokens_per_s"]
    return Setup(
        card=card,
        device=device,
        pools=(pool,),
        weight_dtype=point.weight_dtype or "auto",
        kv_dtype=point.kv_dtype or "auto",
        load=load(point, task, min(seats, max(round(running), 1))),
        measured=measured,
        statistic="steady",
    )


def parallelism(point: OperatingPoint) -> ParallelismSpec:
    """How the model is spread: all devices that are no data-parallel copies share the attention."""
    data = point.dp or 1
    devices = point.count or (point.tp or 1) * data
    return ParallelismSpec(tensor=max(devices // data, 1), data=data, expert=point.ep or 1)


def load(point: OperatingPoint, task: str, running: int) -> Load:
    """As many requests in flight as ran on average."""
    if point.output_tokens is None:
        raise NotSimulated("the row does not say how long outputs are")
    count = max(ROUNDS * running, LEAST_REQUESTS)
    outputs = gamma(point.output_tokens, VARIATION[task], count, seed=1)
    return steady_loop(PROMPTS[task], outputs, running, seed=2)
