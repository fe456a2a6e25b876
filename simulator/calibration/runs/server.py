"""The server of a measured run as the simulator builds it: device, model, engine, steps priced.

Settings that a run does not state are the engine version's defaults. Whatever cannot be simulated
as it stands is refused with the reason (`NotSimulated`), never guessed.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from simulator.calibration.not_simulated import NotSimulated
from simulator.calibration.runs.measured import EngineUsed, HardwareUsed, MeasuredRun, ModelUsed
from simulator.engine.link import LinkPlan
from simulator.errors import InputError
from simulator.hardware.catalogue import load_device
from simulator.hardware.device import Device
from simulator.models.card import (
    AttentionLayers,
    LatentAttention,
    LinearAttention,
    MixtureOfExperts,
    ModelCard,
)
from simulator.models.catalogue import load_model
from simulator.scenario.engine import EngineSpec
from simulator.scenario.vllm.defaults import batch_defaults
from simulator.units.clock import ns_from_seconds
from simulator.units.explain import validate

#: Version taken for runs whose engine does not say its own.
ASSUMED_VERSION = "0.11.1"
#: Settings of a run that have no counterpart because they do not change what is simulated here.
IGNORED_SETTINGS = frozenset(
    {
        "cpu_kv_blocks",
        "enable_expert_parallel",
        "kv_offload_to_cpu",
        "max_cudagraph_capture_size",
        "stream_interval",
    }
)
#: Seats and tokens of a step where nothing is known of the device: vLLM's for smaller ones.
OWN_DEFAULTS = (256, 2048)
_ROLES: tuple[Literal["prefill", "decode"], ...] = ("prefill", "decode")
#: Bus of a server whose devices' link is not stated (PCIe Gen4 x16) [bytes/s], and latency of a link [s]:
#: estimates.
HOST_BUS = 32e9
LINK_LATENCY_S = 10e-6
#: Names that runs use for fields of a card.
_CARD_NAMES = {"params_total": "params_total_published", "experts_active": "active_experts"}
_PARTS: dict[str, type[BaseModel]] = {
    "moe": MixtureOfExperts,
    "mla": LatentAttention,
    "attention_layers": AttentionLayers,
    "linear_attention": LinearAttention,
}
_SOURCE = "the run's own description"


def device_of(hardware: HardwareUsed, idle_w: float | None = None) -> Device:
    """The device of a run: its profile, else one of the few values that the run states.

    ``idle_w`` is its idle draw where the run says it elsewhere [W].
    """
    try:
        return load_device(hardware.device)
    except InputError:
        return _stated_device(hardware, idle_w)


def _stated_device(hardware: HardwareUsed, idle_w: float | None) -> Device:
    values = hardware.values
    stated = {"source": [_SOURCE], "confidence": "estimate"}
    try:
        return Device.model_validate(
            {
                "id": hardware.device,
                "name": hardware.device,
                "vendor": "unknown",
                "year": 2020,
                "family": "gpu-gddr",
                "memory": [
                    {
                        "tier": "vram",
                        "type": "unknown",
                        "capacity": f"{values['memory_bytes']} byte",
                        "bandwidth": f"{values['memory_bandwidth_bytes_per_s']} byte/s",
                        **stated,
                    }
                ],
                "compute": [{"peak": {"bf16": f"{values['bf16_flops_per_s']} FLOP/s"}, **stated}],
                "tdp": {"value": f"{values['tdp_w']} W", **stated} if "tdp_w" in values else None,
                "idle_loaded": None if idle_w is None else {"value": f"{idle_w} W", **stated},
            }
        )
    except KeyError as missing:
        raise NotSimulated(
            f"device {hardware.device!r} has no profile, and the run does not state its {missing.args[0]}"
        ) from None
    except ValidationError as error:
        raise NotSimulated(
            f"device {hardware.device!r} has no profile, and what the run states of it is not usable:"
            f" {error.errors()[0]['msg']}"
        ) from None


def card_of(model: ModelUsed) -> ModelCard:
    """The model of a run: its card, else one of the architecture that the run states."""
    try:
        return load_model(model.id)
    except InputError:
        return _stated_card(model)


def _stated_card(model: ModelUsed) -> ModelCard:
    if not model.architecture:
        raise NotSimulated(f"model {model.id!r} has no card, and the run does not state its architecture")
    content: dict[str, Any] = {
        "context_tokens": 1 << 20,
        **_card_fields(model.architecture),
        "id": model.id,
        "name": model.id,
        "provenance": {"shape": {"source": [_SOURCE], "confidence": "third-party-measurement"}},
    }
    try:
        return validate(ModelCard, content)
    except InputError as error:
        raise NotSimulated(
            f"model {model.id!r} has no card, and the architecture that the run states is not usable: {error}"
        ) from None


def _card_fields(stated: dict[str, Any]) -> dict[str, Any]:
    """What a card holds of a stated architecture; experts may stand among the other fields."""
    known = {_CARD_NAMES.get(name, name): value for name, value in stated.items() if value is not None}
    fields = _only(ModelCard, known)
    if "moe" not in known and "experts" in known:
        fields["moe"] = _only(MixtureOfExperts, known)
    for name, part in _PARTS.items():
        if isinstance(fields.get(name), dict):
            inside = {_CARD_NAMES.get(key, key): value for key, value in fields[name].items()}
            fields[name] = _only(part, inside)
    return fields


def _only(part: type[BaseModel], values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in part.model_fields and value is not None}


def engine_of(engine: EngineUsed, device: Device | None) -> EngineSpec:
    """The engine's settings; those that the run leaves open as its version has them on this device."""
    if engine.name != "vllm":
        raise NotSimulated(f"the engine is {engine.name!r}; only vLLM's scheduler is simulated")
    settings = {name: value for name, value in engine.settings.items() if name not in IGNORED_SETTINGS}
    unknown = sorted(set(settings) - set(EngineSpec.model_fields))
    if unknown:
        raise NotSimulated(f"engine settings that the simulator does not have: {', '.join(unknown)}")
    seats, tokens = batch_defaults(device) if device is not None else OWN_DEFAULTS
    given_tokens = settings.get("max_num_batched_tokens")
    filled = {
        "max_num_batched_tokens": tokens,
        "max_num_seqs": min(seats, given_tokens or tokens),
        "engine_version": engine.version or ASSUMED_VERSION,
        **settings,
    }
    if engine.usable_kv_blocks is not None:
        filled["num_gpu_blocks"] = engine.usable_kv_blocks + 1
    try:
        return EngineSpec.model_validate(filled)
    except ValidationError as error:
        raise NotSimulated(f"engine settings: {error.errors()[0]['msg']}") from None


def roles_of(roles: dict[str, Any]) -> dict[Literal["prefill", "decode"], int]:
    """Replicas that only prefill and that only decode.

    Raises
    ------
    NotSimulated
        Where the run does not tell how many of each.
    """
    found: dict[Literal["prefill", "decode"], int] = {}
    for role in _ROLES:
        stated = roles.get(role)
        count = stated.get("replicas", stated.get("count")) if isinstance(stated, dict) else stated
        if not isinstance(count, int) or count < 1:
            raise NotSimulated(f"replicas with roles, but the run does not say how many {role}")
        found[role] = count
    return found


def cache_link_of(device: Device) -> LinkPlan:
    """The way of a KV cache between replicas in one server: the devices' link, else the host's bus."""
    for link in (device.scale_up, device.host_link):
        if link is not None and link.bandwidth is not None:
            return LinkPlan(link.bandwidth, ns_from_seconds(link.latency or LINK_LATENCY_S))
    return LinkPlan(HOST_BUS, ns_from_seconds(LINK_LATENCY_S))


def refuse_what_is_missing(run: MeasuredRun) -> None:
    """Refuse runs that say too little, or are of a kind that is not simulated."""
    if run.parallelism is None:
        raise NotSimulated("the run does not say how the model was spread over the devices")
    if run.client is None:
        raise NotSimulated(
            "the run has no requests: engine iterations only, without the load that led to them"
        )
    if run.parallelism.roles is not None:
        roles_of(run.parallelism.roles)
    if not run.requests_file and run.client.loop == "closed_loop":
        raise NotSimulated("a closed loop, of which the run has no requests")
    if not run.requests_file and not run.workload.load_stages:
        raise NotSimulated("the load is neither in rows nor in stages")
    if not run.requests_file:
        told = run.workload
        if told.output_tokens is None:
            raise NotSimulated("the load is told in words, but not how long outputs are")
        if told.prompt_tokens_mean is None and told.question_tokens is None:
            raise NotSimulated("the load is told in words, but not how long prompts are")
