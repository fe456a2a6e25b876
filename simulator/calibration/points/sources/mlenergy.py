"""ML.ENERGY (vLLM 0.11.1): steady state with as many requests running as the engine has seats.

Assumed, where the rows say nothing:

- Prompt lengths by task (`PROMPTS`, tokens): a few hundred for chat and exam questions, more for code.
- Outputs scatter around the mean as gamma draws (`VARIATION`). Of several rounds of requests the steady
  middle counts. TPOT is the batch over the throughput.
- ``ep`` devices share the experts, and without data parallelism the attention too: ``tp`` is 1 in
  such rows.
- Power is that of the GPUs. Image and video tasks include an encoder that is not simulated.
"""

from __future__ import annotations

from simulator.calibration.points.load import Load, closed_loop, fixed, gamma
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
VARIATION = 0.5
ROUNDS = 6
MOST_REQUESTS = 12_000
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
        latency=AutoBackendSpec(),
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
        load=load(point, PROMPTS[task], min(seats, max(round(running), 1))),
        measured=measured,
        statistic="steady",
    )


def parallelism(point: OperatingPoint) -> ParallelismSpec:
    """How the model is spread: all devices that are no data-parallel copies share the attention."""
    data = point.dp or 1
    devices = point.count or (point.tp or 1) * data
    return ParallelismSpec(tensor=max(devices // data, 1), data=data, expert=point.ep or 1)


def load(point: OperatingPoint, prompt: float, running: int) -> Load:
    """As many requests in flight as ran on average."""
    if point.output_tokens is None:
        raise NotSimulated("the row does not say how long outputs are")
    count = max(min(ROUNDS * running, MOST_REQUESTS), 3 * running)
    outputs = gamma(point.output_tokens, VARIATION, count, seed=1)
    return closed_loop(fixed(prompt, count), outputs, running)
