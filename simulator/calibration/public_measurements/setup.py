"""The scenario behind a published figure, as far as it is known.

What the source leaves open is assumed, the same for every row, and said with the result: lengths of 100
prompt and 128 output tokens; the fewest devices that hold the model where none are stated; for offline
runs of MLPerf replicas of the fewest devices whose memory the weights fill at most by half, each with
more requests waiting than it can run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.calibration.public_measurements.measurement import PublicMeasurement
from simulator.errors import InputError
from simulator.hardware.catalogue import device_names, load_device
from simulator.hardware.device import Device
from simulator.hardware.execution import InMemoryExecution, SramPipelineExecution, WaferExecution, fitted_on
from simulator.latency.smallest import smallest_parallelism
from simulator.models.accounting import weight_bytes
from simulator.models.card import ModelCard
from simulator.models.catalogue import load_model
from simulator.scenario.engine import EngineSpec
from simulator.scenario.scenario import Scenario

#: Lengths where the source states none [tokens].
ASSUMED_INPUT, ASSUMED_OUTPUT = 100, 128
#: Lengths where the rate was read right after the prompt [tokens].
SHORT_OUTPUT = 16
#: Lengths over which the luck of the drafts averages out [tokens].
SPECULATIVE_OUTPUT = 8000
#: Seats of a replica in an offline run; requests per seat of offline and of serving benchmarks.
OFFLINE_SEATS, OFFLINE_ROUNDS, SERVING_ROUNDS = 1024, 4, 8
#: Share of the memory that weights may take in an offline run.
OFFLINE_WEIGHTS = 0.5
#: Sources that measured a batch of equal requests, all started together.
_BATCH_SOURCES = frozenset({"alcf", "neuron-bench"})
#: Step budget of vLLM's API server on TPU v6e, where it is smaller than on GPUs (vLLM's default; an estimate
#: for other TPUs) [tokens].
_TPU_STEP_TOKENS = 1024
#: Mixed formats, by the one whose size is their mean.
_FORMATS = {"bfp8/bfp4": "bfp8"}
#: Software that a source measured, where the device's profile has constants for it.
_SOFTWARE = {"alcf": "alcf-2024", "geerling": "llama.cpp", "mem": "llama.cpp"}


@dataclass(frozen=True, slots=True)
class Speculation:
    """Drafts per step and chance that one is accepted, with the figures that the chance was fitted to.

    No source publishes either; the chance is the one that explains one row of the vendor.
    """

    drafts: int
    acceptance: float
    fitted_on: tuple[str, ...]


#: Speculative decoding by vendor. Groq's is that of Cerebras: the only other row would be its own.
_SPECULATION = {
    "Cerebras": Speculation(8, 0.853, ("cerebras-llama3.1-70b-specdec",)),
    "Groq": Speculation(8, 0.853, ()),
    "AWS": Speculation(6, 0.775, ("nxdi-trn2-70b-spec",)),
}
#: Rows that do not say so but were measured after the service began to decode speculatively: Cerebras
#: went from 446 to 2,100 tokens/s on Llama-3.1-70B in October 2024, a month before this row.
_TAKEN_AS_SPECULATIVE = frozenset({"cerebras-llama3.1-405b"})


class CannotSimulateError(Exception):
    """Why a published figure can not be simulated, in one sentence."""


@dataclass(frozen=True, slots=True)
class Setup:
    """A scenario of one replica, how many replicas the figure belongs to, and what was assumed."""

    scenario: Scenario
    device: Device
    software: str | None
    replicas: int
    speculation: Speculation | None
    assumed: str

    @property
    def fitted_on(self) -> tuple[str, ...]:
        """Ids and patterns of the figures that any constant of this scenario was fitted to."""
        execution = self.device.execution_under(self.software)
        own = () if execution is None else fitted_on(execution)
        return own if self.speculation is None else (*own, *self.speculation.fitted_on)


def set_up(row: PublicMeasurement) -> Setup:
    """The scenario behind a published figure.

    Raises
    ------
    CannotSimulateError
        Where too little is published, or the simulator lacks what it takes.
    """
    device, card = _device(row), _card(row)
    _refuse_unknown_load(row)
    software = next(
        (_SOFTWARE[source] for source in row.source if _SOFTWARE.get(source) in device.software), None
    )
    weight_dtype = _FORMATS.get(row.weights or "auto", row.weights or "auto")
    if row.concurrency is None:
        parallelism = {"tensor": _offline_tensor(card, device, weight_dtype)}
        replicas = max((row.chips or 1) // parallelism["tensor"], 1)
        assumed = [f"{replicas} replicas of {parallelism['tensor']} devices", "mean lengths"]
    else:
        parallelism, assumed = _parallelism(row, device, card, weight_dtype)
        replicas = 1
    lengths, more = _lengths(row)
    speculation = _speculation(row, device)
    if row.id in _TAKEN_AS_SPECULATIVE:
        more.append("speculative decoding, as on 70B a month before")
    content = _content(row, weight_dtype, parallelism, lengths, software, speculation)
    scenario = Scenario.model_validate(content)
    return Setup(scenario, device, software, replicas, speculation, "; ".join([*assumed, *more]))


def _device(row: PublicMeasurement) -> Device:
    if row.device not in device_names():
        raise CannotSimulateError(f"no hardware profile of {row.device}")
    return load_device(row.device)


def _card(row: PublicMeasurement) -> ModelCard:
    try:
        return load_model(_model_name(row))
    except InputError:
        if _model_name(row) == "microbenchmark":
            raise CannotSimulateError("a microbenchmark of memory or links, not of serving") from None
        raise CannotSimulateError(f"no model card of {_model_name(row)}") from None


def _model_name(row: PublicMeasurement) -> str:
    """The model; a row puts one in parentheses that its list of models lacks."""
    return row.model.strip("()")


def _budget(row: PublicMeasurement) -> int:
    """Most tokens of one step [tokens]."""
    return _TPU_STEP_TOKENS if "tpu-recipes" in row.source else EngineSpec().max_num_batched_tokens


def _refuse_unknown_load(row: PublicMeasurement) -> None:
    if row.scenario in ("Server", "Interactive"):
        raise CannotSimulateError(
            "the highest rate within MLPerf's latency limits: limits and spread of lengths are not in the row"
        )
    if row.concurrency is None and row.scenario != "Offline":
        raise CannotSimulateError("neither concurrency nor arrival rate is published")
    if row.concurrency is None and row.input_tokens is None:
        raise CannotSimulateError("the prompt lengths of this data set are not in the row")
    if row.output_tok_s_total is None and row.output_tok_s_user is None and row.tpot_s is None:
        raise CannotSimulateError("the row states no decode rate")


def _is_speculative(row: PublicMeasurement) -> bool:
    return row.speculative_decoding or row.id in _TAKEN_AS_SPECULATIVE


def _speculation(row: PublicMeasurement, device: Device) -> Speculation | None:
    if not _is_speculative(row):
        return None
    if device.vendor not in _SPECULATION:
        raise CannotSimulateError("speculative decoding with neither drafts nor acceptance published")
    return _SPECULATION[device.vendor]


def _parallelism(
    row: PublicMeasurement, device: Device, card: ModelCard, weight_dtype: str
) -> tuple[dict[str, int], list[str]]:
    if row.chips is None and not isinstance(device.execution, SramPipelineExecution | WaferExecution):
        whole = device.devices_per_system
        return {"tensor": whole}, [f"{whole} chips, one system"]
    if row.chips is None:
        found = smallest_parallelism(card, device, weight_dtype=weight_dtype)
        if found is None:
            raise CannotSimulateError(f"{card.name} fits no number of {device.name} that was tried")
        tensor, pipeline = found
        return {"tensor": tensor, "pipeline": pipeline}, [
            f"{tensor * pipeline} chips, the fewest that hold it"
        ]
    execution = device.execution
    if isinstance(execution, SramPipelineExecution | InMemoryExecution):
        group = execution.group_chips
        return {"tensor": group, "pipeline": max(row.chips // group, 1)}, []
    if isinstance(execution, WaferExecution):
        return {"pipeline": row.chips}, []
    return {"tensor": row.chips}, []


def _offline_tensor(card: ModelCard, device: Device, weight_dtype: str) -> int:
    capacity = device.main_memory.capacity or 0.0
    weights = weight_bytes(card, weight_dtype)
    for tensor in (1, 2, 4, 8):
        if weights / tensor <= OFFLINE_WEIGHTS * capacity:
            return tensor
    raise CannotSimulateError("the layout over nodes is not published")


def _lengths(row: PublicMeasurement) -> tuple[tuple[int, int], list[str]]:
    assumed = []
    output = row.output_tokens
    if output is None:
        output = SHORT_OUTPUT if "tt-metal" in row.source else ASSUMED_OUTPUT
        if _is_speculative(row):
            output = SPECULATIVE_OUTPUT
        assumed.append(f"{output} output tokens")
    prompt = row.input_tokens
    if prompt is None:
        prompt = ASSUMED_INPUT
        assumed.insert(0, f"{prompt} prompt tokens")
    return (prompt, output), assumed


def _content(
    row: PublicMeasurement,
    weight_dtype: str,
    parallelism: dict[str, int],
    lengths: tuple[int, int],
    software: str | None,
    speculation: Speculation | None,
) -> dict[str, Any]:
    prompt, output = lengths
    batch = bool(_BATCH_SOURCES.intersection(row.source)) or (row.concurrency or 0) == 1
    seats = row.concurrency or OFFLINE_SEATS
    rounds = 1 if batch else OFFLINE_ROUNDS if row.concurrency is None else SERVING_ROUNDS
    engine = {
        "max_num_seqs": seats,
        "max_num_batched_tokens": max(_budget(row), seats * prompt if batch else 0),
        # benchmarks of speed run past the context that a model was trained for
        "max_model_len": prompt + output,
        "enable_prefix_caching": False,
        "num_speculative_tokens": 0 if speculation is None else speculation.drafts,
        "speculative_acceptance": None if speculation is None else speculation.acceptance,
    }
    return {
        "name": row.id,
        "workload": {
            "arrivals": {
                "process": "closed_loop",
                "concurrency": seats if row.concurrency else 2 * seats,
            },
            "prompt_tokens": {"distribution": "fixed", "tokens": prompt},
            "output_tokens": {"distribution": "fixed", "tokens": output},
            "ignore_eos": True,
        },
        "model": {"card": _model_name(row), "weight_dtype": weight_dtype},
        "cluster": {
            "pools": [
                {
                    "name": "main",
                    "hardware": row.device,
                    "parallelism": parallelism,
                    "engine": engine,
                    "latency": {"backend": "auto", "software": software},
                }
            ]
        },
        "requests": rounds * seats,
    }
