"""ML.ENERGY (vLLM 0.11.1): steady state with as many requests running as the engine has seats.

Assumed, where the rows say nothing:

- Prompt lengths by task (`TASKS`, tokens): 300 for chat and exam questions, 700 for code. What a prompt costs
  the others (the mean gap between tokens less the median one, times the tokens of an answer) is worth 250 to
  350 tokens in chats with dense models. A prompt of code costs three times what one of a chat does, with one
  model on one device: 550 to 850 tokens. Points whose cache was full bear it out: in one size of cache a
  context of code is 500 tokens longer than one of a chat once what had been answered is taken off.
- A run sends every question of its task once (1,024 and 198: responses over configurations, as the facts
  folder counts them), or as often as it takes to have more than seats; chats and exam questions asked again
  are found in the prefix cache. More requests for code go on at the price of new prompts, as measured beyond
  1,024: its prompts never repeat. All seats are filled at once, and figures are those from then until
  nothing waits any more, so that with many seats contexts are shorter than in a steady state.
- Outputs scatter around the mean as gamma draws (`Task.variation`: the quantiles of the facts folder). TPOT
  is the batch over the throughput.
- Sampling is greedy, and the engine's own work between steps is that of `HOSTS`; long answers to exam
  questions on one B200 are those of a host that was busy (`host_was_busy`, `BUSY_HOST`). Prompts choose
  their experts as `Task.diversity` and `SPREAD` say: thinking about exam questions is more alike than
  chatting. All fitted by `simulator.calibration.points.mlenergy_fit`.
- ``ep`` devices share the experts, and without data parallelism the attention too: ``tp`` is 1 in
  such rows.
- Power is that of the GPUs. Image and video tasks include an encoder that is not simulated.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from simulator.calibration.not_simulated import NotSimulated
from simulator.calibration.points.busy_host import waiting
from simulator.calibration.points.load import Load, closed_loop, fixed, gamma
from simulator.calibration.points.point import OperatingPoint
from simulator.calibration.points.setup import (
    Host,
    Setup,
    card_of,
    device_of,
    load_value_of,
    routing_of,
)
from simulator.calibration.points.steady import SteadyLoad, filled_at_once
from simulator.scenario.backend import AutoBackendSpec
from simulator.scenario.cluster import ParallelismSpec, PoolSpec
from simulator.scenario.engine import EngineSpec
from simulator.workload.traffic import Piece


@dataclass(frozen=True, slots=True)
class Task:
    """A text task of the benchmark.

    Attributes
    ----------
    prompt
        Mean prompt, template included [tokens] (an estimate: not published).
    variation
        Of output lengths [1].
    questions
        How many the task has: a run asks each once, or as often as it takes to have more than seats.
    diversity
        Share of a step's tokens that choose their experts independently of each other (see `Routing`).
    least_rounds
        Requests of a run for each seat, at least.
    different
        Different prompts there are to ask: who sends more repeats some. None: more than any run sends.
    """

    prompt: int
    variation: float
    questions: int
    diversity: float
    least_rounds: float = 1.0
    different: int | None = None


TASKS = {
    "lm-arena-chat": Task(
        prompt=300, variation=0.9, questions=1024, diversity=0.79, least_rounds=2.0, different=1024
    ),
    "gpqa": Task(prompt=300, variation=0.58, questions=198, diversity=0.45, different=198),
    "sourcegraph-fim": Task(prompt=700, variation=1.22, questions=1024, diversity=0.73, least_rounds=2.0),
}
#: How far the loads of expert-parallel ranks scatter (see `Routing`).
SPREAD = 1.38


HOSTS = {"nvidia-h100-sxm": Host(768.0, 35.0), "nvidia-b200-sxm": Host(1260.0, 33.0)}
#: For devices that nobody fitted.
HOST = Host(768.0, 35.0)
#: What a step takes at least on the busy host: nothing that the four models measured there differ in shows,
#: neither what the device works (6 to 50 ms a step) nor whether there are experts.
BUSY_HOST = Host(33_900.0, 102.0)
#: Answers that were under way on the busy host [tokens]. Shorter ones to the same questions, of gpt-oss on
#: the same device, came without delay (facts/power.yaml).
LONG_ANSWER = 5_000
STEP_TOKENS = 8192


def setup(point: OperatingPoint) -> Setup:
    """The point as it is simulated."""
    at_rest = setup_at_rest(point)
    return waiting(at_rest, steady_load(point, at_rest), BUSY_HOST) if host_was_busy(point) else at_rest


def setup_at_rest(point: OperatingPoint) -> Setup:
    """The point as if its host had nothing else to do."""
    name = str(point.extra.get("task"))
    task = TASKS.get(name)
    if task is None:
        raise NotSimulated(f"task {name!r}: prompts hold images or video, whose encoder is not simulated")
    card, device = card_of(point), device_of(point)
    seats = round(load_value_of(point))
    running = float(point.extra.get("avg_batch_size") or seats)
    host = HOSTS.get(point.device or "", HOST)
    pool = PoolSpec(
        name="main",
        hardware=point.device or "",
        parallelism=parallelism(point),
        engine=EngineSpec(
            engine_version=point.engine_version or "0.11.1",
            max_num_seqs=seats,
            max_num_batched_tokens=max(STEP_TOKENS, seats),
            enable_prefix_caching=True,
        ),
        latency=AutoBackendSpec(
            sampler="greedy",
            host_us=host.step_us,
            host_per_sequence_us=host.sequence_us,
            **routing_of(card, task.diversity, SPREAD),
        ),
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


def steady_load(point: OperatingPoint, served: Setup) -> SteadyLoad:
    """What is in flight while the seats are taken."""
    in_flight, task = served.load.concurrency, TASKS[str(point.extra["task"])]
    assert in_flight is not None
    return filled_at_once(in_flight, task.prompt, served.load.traffic.output_tokens)


def host_was_busy(point: OperatingPoint) -> bool:
    """Whether the point was measured on the machine whose host was busy with something else."""
    alone = point.device == "nvidia-b200-sxm" and point.count == 1
    return alone and point.extra.get("task") == "gpqa" and (point.output_tokens or 0) >= LONG_ANSWER


def parallelism(point: OperatingPoint) -> ParallelismSpec:
    """How the model is spread: all devices that are no data-parallel copies share the attention."""
    data = point.dp or 1
    devices = point.count or (point.tp or 1) * data
    return ParallelismSpec(tensor=max(devices // data, 1), data=data, expert=point.ep or 1)


def load(point: OperatingPoint, task: Task, running: int) -> Load:
    """All questions of the task, as many in flight as ran on average."""
    if point.output_tokens is None:
        raise NotSimulated("the row does not say how long outputs are")
    count = requests_of(task, running)
    outputs = gamma(point.output_tokens, task.variation, count, seed=1)
    prompts = fixed(task.prompt, count)
    different = task.different or count
    pieces: list[tuple[Piece, ...]] = [((n % different, 0, task.prompt),) for n in range(count)]
    return closed_loop(prompts, outputs, running, under_way=running, pieces=pieces)


def requests_of(task: Task, seats: int) -> int:
    """How many requests a run with so many seats sends."""
    return task.questions * max(ceil(task.least_rounds * seats / task.questions), seats // task.questions + 1)
