"""What a row of points becomes in the simulator: a server, a load, and how its figures are read.

Every source leaves something open; what is assumed in its place stands in its own module
(`simulator.calibration.points.sources`) and is the same for all of its rows. Rows that cannot be simulated
as they stand are refused with the reason (`NotSimulated`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from simulator.calibration.not_simulated import NotSimulated
from simulator.calibration.points.load import Load
from simulator.calibration.points.point import OperatingPoint
from simulator.engine.gateway import NO_DELAYS, ServingDelays
from simulator.engine.link import LinkPlan
from simulator.errors import InputError
from simulator.hardware.catalogue import load_device
from simulator.hardware.device import Device
from simulator.latency import compile_backend
from simulator.latency.pricer import StepPricer
from simulator.latency.roofline.releases import EarlyKernels
from simulator.models.card import ModelCard
from simulator.models.catalogue import load_model
from simulator.scenario.backend import BackendSpec
from simulator.scenario.cluster import PoolSpec
from simulator.scenario.engine_versions import API_REQUEST_S, API_TOKEN_S
from simulator.units.clock import ns_from_seconds

#: How a client sums up latencies: over all requests; until the last of a static batch; or, of a steady
#: state, as requests in flight over throughput.
Statistic = Literal["mean", "median", "batch", "steady"]


#: What a client sees that talks to the server over HTTP.
API_DELAYS = ServingDelays(request_ns=ns_from_seconds(API_REQUEST_S), token_ns=ns_from_seconds(API_TOKEN_S))


@dataclass(frozen=True, slots=True)
class Host:
    """Work of the engine between steps: for a step, and for each running request [us]."""

    step_us: float
    sequence_us: float


@dataclass(frozen=True, slots=True)
class Setup:
    """One point as it is simulated.

    Attributes
    ----------
    pools
        One unified pool, or prefill and decode pools.
    measured
        Figures to be compared, by the names of `METRICS`.
    steady
        Whether throughput and power are those of the time during which all seats are taken; else
        those from the first request to the last.
    stream_interval
        Tokens that the server sends at a time; the client sees its first with the last of them.
    """

    card: ModelCard
    device: Device
    pools: tuple[PoolSpec, ...]
    weight_dtype: str
    kv_dtype: str
    load: Load
    measured: Mapping[str, float]
    statistic: Statistic = "mean"
    steady: bool = True
    stream_interval: int = 1
    delays: ServingDelays = NO_DELAYS
    link: LinkPlan | None = None


def pricer_of(
    setup: Setup,
    latency: BackendSpec | None = None,
    device: Device | None = None,
    kernels: EarlyKernels | None = None,
) -> StepPricer | None:
    """Prices of the first pool's steps, or None where its server cannot be built.

    ``latency`` and ``device`` stand in for the setup's own, ``kernels`` for those of the engine's release.
    """
    pool = setup.pools[0]
    try:
        return compile_backend(
            latency or pool.latency,
            setup.card,
            device or setup.device,
            pool.parallelism,
            pool.engine,
            weight_dtype=setup.weight_dtype,
            kv_dtype=setup.kv_dtype,
            kernels=kernels,
        ).pricer
    except InputError:
        return None


def routing_of(card: ModelCard, diversity: float, spread: float) -> dict[str, float]:
    """Settings of a backend that say how tokens choose experts; none for dense models, which refuse them."""
    return {} if card.moe is None else {"routing_diversity": diversity, "routing_spread": spread}


#: Endings of a model's name that say nothing of its shape: precision, tuning, date.
_ENDINGS = re.compile(
    r"[-_.](fp8|bf16|fp16|int8|int4|w4a16|nvfp4|mxfp4|fp4|awq|gptq|dynamic|instruct|chat|thinking|it|hf"
    r"|base|preview|v[0-9.]+|2[0-9]{3}|[01][0-9]{3})$",
    re.IGNORECASE,
)


def card_of(point: OperatingPoint) -> ModelCard:
    """The card of a point's model: by our id or by the source's own name, with and without endings."""
    for name in (point.model, point.model_source):
        for known in _names(name):
            try:
                return load_model(known)
            except InputError:
                continue
    raise NotSimulated(f"model {point.model!r} ({point.model_source}) has no card")


def _names(name: str | None) -> Iterator[str]:
    """The name, the same without its publisher, and with one ending less after the other."""
    if not name or name.lower().endswith((".yaml", ".yml")):
        return
    yield name
    short = name.rsplit("/", 1)[-1]
    while True:
        yield short
        shorter = _ENDINGS.sub("", short)
        if shorter == short:
            return
        short = shorter


def device_of(point: OperatingPoint) -> Device:
    """The device of a point."""
    if point.device is None:
        raise NotSimulated("the row does not say which device was used")
    try:
        return load_device(point.device)
    except InputError:
        raise NotSimulated(f"device {point.device!r} has no profile") from None


def lengths_of(point: OperatingPoint) -> tuple[float, float]:
    """Prompt and output [tokens]."""
    if point.prompt_tokens is None or point.output_tokens is None:
        missing = "prompt" if point.prompt_tokens is None else "output"
        raise NotSimulated(f"the row does not say how long {missing}s are")
    return point.prompt_tokens, point.output_tokens


def load_value_of(point: OperatingPoint) -> float:
    """The load, in the unit of ``load_kind``."""
    if point.load_value is None or point.load_value <= 0:
        raise NotSimulated("the row does not say how high the load was")
    return point.load_value
