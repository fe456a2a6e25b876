"""Reads a pasted ``vllm serve`` command line as a pool of the simulator.

`command_line` takes it apart, `flags` says which flag means what. Every flag ends up in exactly one
place: in the pool, among the ignored (no effect on what is simulated), among the unsupported (an effect that
the simulation does not have; flags of another release count among them). One that is all but a known flag is
misspelt, and an error.

Where vLLM's default depends on the device (`defaults`), it is written out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from pydantic import ValidationError

from simulator.errors import InputError, misspelt, nearest
from simulator.hardware.catalogue import load_device
from simulator.models.card import ModelCard
from simulator.models.precision import canonical_dtype
from simulator.scenario.cluster import PoolSpec
from simulator.scenario.engine import ExpertExchange
from simulator.scenario.hugging_face import card_of_checkpoint
from simulator.scenario.vllm.command_line import WHERE, read_command_line
from simulator.scenario.vllm.defaults import batch_defaults
from simulator.scenario.vllm.flags import FLAGS, QUANTIZATIONS, Effect, Flag
from simulator.scenario.vllm.speculation import speculative_section
from simulator.scenario.vllm.values import converted

#: Device assumed where nobody says which: a command line does not.
ASSUMED_HARDWARE = "nvidia-h100-sxm"
#: Chance that a draft token is accepted, assumed where nobody says it.
ASSUMED_ACCEPTANCE = 0.7


@dataclass(frozen=True, slots=True)
class SetAside:
    """A flag that did not reach the pool, and why."""

    flag: str
    reason: str


@dataclass(frozen=True, slots=True)
class VllmConversion:
    """What a command line says about a scenario.

    Attributes
    ----------
    model
        The ``model:`` section.
    pool
        One entry of ``cluster.pools``.
    ignored
        Flags without effect on what is simulated.
    unsupported
        Flags whose effect the simulation does not have.
    notes
        What was assumed.
    """

    model: dict[str, Any]
    pool: dict[str, Any]
    ignored: tuple[SetAside, ...]
    unsupported: tuple[SetAside, ...]
    notes: tuple[str, ...]

    def to_yaml(self) -> str:
        """The sections as YAML, with everything that was set aside as comments."""
        import yaml

        lines = [f"# {note}" for note in self.notes]
        lines += [f"# not simulated: {aside.flag}: {aside.reason}" for aside in self.unsupported]
        if self.ignored:
            lines.append(f"# without effect here: {', '.join(aside.flag for aside in self.ignored)}")
        content = {"model": self.model, "cluster": {"pools": [self.pool]}}
        return "\n".join([*lines, yaml.safe_dump(content, sort_keys=False, width=100)])


def pool_from_vllm_args(text: str, hardware: str | None = None, replicas: int = 1) -> VllmConversion:
    """The pool that a ``vllm serve`` command line describes.

    Parameters
    ----------
    text
        The whole command line, as pasted.
    hardware
        Device it runs on; a command line does not say.
    replicas
        How many such servers the pool has.

    Raises
    ------
    InputError
        Where it is no such command line, or a value cannot be read.
    """
    line = read_command_line(text)
    reading = _Reading(hardware or ASSUMED_HARDWARE, replicas)
    if hardware is None:
        reading.notes.append(f"hardware: {ASSUMED_HARDWARE} is assumed; the command line does not say")
    for name, value in line.environment.items():
        reading.take_environment(name, value)
    for flag, value in line.flags:
        reading.take(flag, value)
    return reading.conversion(line.model)


@dataclass
class _Reading:
    """What has been read so far."""

    hardware: str
    replicas: int
    engine: dict[str, Any] = field(default_factory=dict)
    parallelism: dict[str, int] = field(default_factory=dict)
    model: dict[str, str] = field(default_factory=dict)
    latency: dict[str, Any] = field(default_factory=dict)
    speculative: dict[str, Any] = field(default_factory=dict)
    expert_parallel: bool = False
    ignored: list[SetAside] = field(default_factory=list)
    unsupported: list[SetAside] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def take(self, name: str, value: Any) -> None:
        flag = FLAGS.get(name)
        shown = f"--{name}"
        if flag is None:
            if misspelt(name, FLAGS):
                raise InputError(f"unknown flag {shown}{nearest(name, FLAGS)}", file=WHERE)
            self.unsupported.append(SetAside(shown, f"unknown flag{nearest(name, FLAGS)}"))
        elif flag.effect is Effect.NONE:
            self.ignored.append(SetAside(shown, flag.text))
        elif flag.effect is Effect.UNSUPPORTED:
            self.unsupported.append(SetAside(shown, flag.text))
        else:
            self._place(name, flag, converted(name, flag, value))

    def take_environment(self, name: str, value: str) -> None:
        if name == "VLLM_ATTENTION_BACKEND":
            self.take("attention-backend", value)
        elif name == "VLLM_USE_V1" and value.strip() == "0":
            self.unsupported.append(
                SetAside(name, "the older V0 engine schedules differently; V1 is simulated")
            )
        elif name.startswith("VLLM_"):
            self.ignored.append(SetAside(name, "environment variable"))

    def _place(self, name: str, flag: Flag, value: Any) -> None:
        if value is None:
            return
        match flag.effect:
            case Effect.ENGINE:
                self.engine[flag.text] = value
            case Effect.PARALLELISM:
                self.parallelism[flag.text] = value
            case Effect.EXPERT_PARALLEL:
                self.expert_parallel = value
            case Effect.EXPERT_EXCHANGE:
                self._expert_exchange(str(value))
            case Effect.DTYPE:
                if value != "auto":
                    self.model.setdefault("weight_dtype", canonical_dtype(value))
            case Effect.QUANTIZATION:
                self._quantization(value)
            case Effect.ATTENTION_BACKEND:
                self._attention_backend(str(value))
            case Effect.SPECULATION:
                self._speculation(value)
            case Effect.COMPILATION:
                self._compilation(value)
            case _:
                raise AssertionError(f"no place for --{name}")

    def _expert_exchange(self, value: str) -> None:
        if value in get_args(ExpertExchange):
            self.engine["all2all_backend"] = value
        else:
            known = ", ".join(get_args(ExpertExchange))
            self.unsupported.append(SetAside(f"--all2all-backend {value}", f"modelled are {known}"))

    def _quantization(self, value: str) -> None:
        dtype = QUANTIZATIONS.get(value.lower())
        if dtype is not None:
            self.model["weight_dtype"] = dtype
        elif value.lower() in QUANTIZATIONS:
            self.model.pop("weight_dtype", None)  # the name of the checkpoint may say it
        else:
            self.unsupported.append(
                SetAside(f"--quantization {value}", f"unknown method{nearest(value, QUANTIZATIONS)}")
            )

    def _attention_backend(self, value: str) -> None:
        kernels = {"flash_attn": "fa3", "flashinfer": "flashinfer", "fa2": "fa2", "fa3": "fa3"}
        kernel = kernels.get(value.lower().removesuffix("_vllm_v1"))
        if kernel is None:
            self.unsupported.append(
                SetAside("attention-backend", f"no such kernel in the latency model: {value}")
            )
        else:
            self.latency["attention_backend"] = kernel

    def _speculation(self, config: Mapping[str, Any]) -> None:
        tokens = config.get("num_speculative_tokens")
        if not isinstance(tokens, int) or isinstance(tokens, bool) or tokens < 1:
            raise InputError(
                f"found {tokens!r}, expected how many tokens are drafted per step, at least 1",
                key="--speculative-config.num_speculative_tokens",
            )
        section, unknown = speculative_section(config)
        if section is None:
            self.engine["num_speculative_tokens"] = tokens
            self.engine["speculative_acceptance"] = ASSUMED_ACCEPTANCE
        else:
            self.speculative = {**section, "num_speculative_tokens": tokens, "acceptance": ASSUMED_ACCEPTANCE}
        key = "speculative_acceptance" if section is None else "speculative.acceptance"
        self.notes.append(f"{key}: {ASSUMED_ACCEPTANCE} is assumed; put in what your server's metrics say")
        if unknown is not None:
            self.unsupported.append(
                SetAside(f"--speculative-config ({unknown})", "the drafting itself takes no time here")
            )

    def _compilation(self, config: Mapping[str, Any]) -> None:
        graphs = str(config.get("cudagraph_mode", "")).upper()
        level = config.get("mode", config.get("level"))
        if graphs == "NONE" or level in (0, "0", "NONE"):
            self.engine["enforce_eager"] = True
        else:
            self.ignored.append(
                SetAside("--compilation-config", "graph capture is assumed as vLLM does by default")
            )

    def conversion(self, model_name: str | None) -> VllmConversion:
        if model_name is None:
            raise InputError("no model: expected `vllm serve MODEL ...` or --model MODEL", file=WHERE)
        card = self._model(model_name)
        self._spread(card)
        self._device_defaults(card)
        pool: dict[str, Any] = {"name": "main", "hardware": self.hardware, "replicas": self.replicas}
        if self.parallelism:
            pool["parallelism"] = self.parallelism
        pool["engine"] = self.engine
        if self.speculative:
            pool["speculative"] = self.speculative
        if self.latency:
            pool["latency"] = {"backend": "auto", **self.latency}
        _check(pool)
        return VllmConversion(
            model=self.model,
            pool=pool,
            ignored=tuple(self.ignored),
            unsupported=tuple(self.unsupported),
            notes=tuple(self.notes),
        )

    def _model(self, model_name: str) -> ModelCard | None:
        checkpoint = card_of_checkpoint(model_name)
        if checkpoint.card is None:
            self.model = {"card": model_name, **self.model}
            self.notes.append(
                f"model: there is no card for {model_name!r}{checkpoint.hint};"
                " name one of `simulator show models` or write your own"
            )
            return None
        self.model = {"card": checkpoint.card.id, **self.model}
        if checkpoint.weight_dtype and "weight_dtype" not in self.model:
            self.model["weight_dtype"] = checkpoint.weight_dtype
            self.notes.append(f"weight_dtype: {checkpoint.weight_dtype} is read from the name {model_name!r}")
        return checkpoint.card

    def _spread(self, card: ModelCard | None) -> None:
        """Data parallel replicas of a dense model are independent engines; a MoE's share their experts."""
        data = self.parallelism.get("data", 1)
        if card is not None and card.moe is None and data > 1:
            del self.parallelism["data"]
            self.replicas *= data
            self.notes.append(
                f"replicas: --data-parallel-size {data} of a dense model is {data} independent engines"
            )
        if self.expert_parallel:
            self.parallelism["expert"] = self.parallelism.get("tensor", 1) * self.parallelism.get("data", 1)

    def _device_defaults(self, card: ModelCard | None) -> None:
        seats, tokens = batch_defaults(load_device(self.hardware))
        longest = self.engine.get("max_model_len") or (card.context_tokens if card else 0)
        if not self.engine.get("enable_chunked_prefill", True):
            tokens = max(tokens, longest)
        told = self.engine.get("max_num_batched_tokens")
        if told is None:
            self.engine["max_num_batched_tokens"] = tokens
            self.notes.append(
                f"max_num_batched_tokens: {tokens} is vLLM's default for an API server on this device"
            )
        if "max_num_seqs" not in self.engine:
            self.engine["max_num_seqs"] = min(seats, told or tokens)
            self.notes.append(f"max_num_seqs: {self.engine['max_num_seqs']} is vLLM's default on this device")


def _check(pool: Mapping[str, Any]) -> None:
    """Refuse values that vLLM would not start with either."""
    try:
        PoolSpec.model_validate(pool)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise InputError(f"found {first['input']!r}: {first['msg']}", file=WHERE, key=key) from None
