"""A measured run, simulated: the same load on the simulator's own server."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from simulator.calibration.not_simulated import NotSimulated
from simulator.calibration.runs.measured import MeasuredRun
from simulator.calibration.runs.server import (
    cache_link_of,
    card_of,
    device_of,
    engine_of,
    refuse_what_is_missing,
    roles_of,
)
from simulator.calibration.runs.server_power import idle_of
from simulator.calibration.runs.staged import StagedLoad
from simulator.engine.clients import ClientPlan
from simulator.engine.cluster import ClusterPlan
from simulator.engine.gateway import ServingDelays
from simulator.engine.pool import PoolPlan
from simulator.engine.tenant import TenantPlan
from simulator.engine.transfers import TransferPlan
from simulator.errors import SimulatorError
from simulator.latency.fitted import FittedBackend, FittedPricer
from simulator.latency.roofline.releases import KERNELS_OF_0_15, EarlyKernels, kernels_of
from simulator.results.recording import Recording
from simulator.scenario.backend import AutoBackendSpec
from simulator.scenario.cluster import PoolSpec, Role
from simulator.scenario.engine_versions import API_REQUEST_S, API_TOKEN_S, API_TOKEN_SHARE_S
from simulator.scenario.workload import WorkloadSpec
from simulator.simulation.event_loop import simulate
from simulator.simulation.pools import engine_settings, prepare_pool
from simulator.units.clock import ns_from_seconds
from simulator.units.random_streams import RandomStreams
from simulator.workload.build import build_workload
from simulator.workload.traffic import RequestSource

#: Words in ``client.ttft_from`` of runs whose clock starts behind the API server.
_BEHIND_API = ("engine queue", "arrival_s;")


@dataclass(frozen=True, slots=True)
class ServingConstants:
    """Constants that serving runs decided (`simulator.calibration.runs.serving_fit`); default: as shipped.

    Attributes
    ----------
    attention_factor, layer_us
        Of the kernels of vLLM 0.15, see `simulator.latency.roofline.releases`.
    request_s
        Time of a request in the API server before the engine [s].
    """

    attention_factor: float = KERNELS_OF_0_15.attention_factor
    layer_us: float = KERNELS_OF_0_15.layer_us
    request_s: float = API_REQUEST_S

    def kernels(self, version: str) -> EarlyKernels:
        """The kernels of a version under these constants."""
        kernels = kernels_of(version)
        if kernels is not KERNELS_OF_0_15:
            return kernels
        return replace(kernels, attention_factor=self.attention_factor, layer_us=self.layer_us)


@dataclass(frozen=True, slots=True)
class Serving:
    """What is said about a server beyond its run's description.

    Attributes
    ----------
    latency
        What prices the steps.
    constants
        Those that serving runs decided.
    token_s, token_share_s
        Time in the API server on the way back, and what each neighbour adds to that [s].
    link_of
        Device whose measured exchanges stand in for those of the run's own, if any.
    fit
        Step times fitted to other runs of the machine, instead of the hardware profile.
    note
        What to know about them.
    """

    latency: AutoBackendSpec = field(default_factory=AutoBackendSpec)
    constants: ServingConstants = ServingConstants()
    token_s: float = API_TOKEN_S
    token_share_s: float = API_TOKEN_SHARE_S
    link_of: str | None = None
    fit: FittedBackend | None = None
    note: str = ""


DEFAULT = Serving()


def simulate_run(run: MeasuredRun, serving: Serving = DEFAULT, seed: int = 0) -> Recording:
    """Simulate a measured run.

    Raises
    ------
    NotSimulated
        With the reason, where that is impossible.
    """
    refuse_what_is_missing(run)
    try:
        plan = ClusterPlan(
            _pools(run, serving),
            delays=delays_of(run, serving),
            tenants=(TenantPlan(client=client_of(run)),),
            transfer=_transfer(run),
        )
        streams = RandomStreams(seed)
        return simulate(plan, load_of(run, streams), streams)
    except SimulatorError as error:
        raise NotSimulated(str(error)) from error


def _pools(run: MeasuredRun, serving: Serving) -> tuple[PoolPlan, ...]:
    assert run.parallelism is not None
    if serving.fit is not None:
        return (_fitted_pool(run, serving.fit),)
    if run.parallelism.roles is None:
        return (_pool(run, serving, "unified", run.parallelism.replicas),)
    roles = roles_of(run.parallelism.roles)
    return tuple(_pool(run, serving, role, replicas) for role, replicas in roles.items())


def _transfer(run: MeasuredRun) -> TransferPlan | None:
    """How the cache of a prompt travels where some replicas only prefill."""
    assert run.parallelism is not None
    if run.parallelism.roles is None:
        return None
    return TransferPlan(cache_link_of(device_of(run.hardware)))


def _pool(run: MeasuredRun, serving: Serving, role: Role, replicas: int) -> PoolPlan:
    assert run.parallelism is not None and run.client is not None
    device = device_of(run.hardware, idle_of(run.server_power))
    if serving.link_of is not None:
        device = device.model_copy(update={"id": serving.link_of})
    latency = serving.latency
    if run.client.in_process and latency.sampler is None:
        latency = latency.model_copy(update={"sampler": "greedy"})
    engine = engine_of(run.engine, device)
    spec = PoolSpec(
        name="main" if role == "unified" else role,
        hardware=run.hardware.device,
        role=role,
        replicas=replicas,
        parallelism=run.parallelism.spec,
        engine=engine,
        latency=latency,
    )
    return prepare_pool(
        spec,
        device,
        card_of(run.model),
        run.model.weight_dtype,
        run.model.kv_dtype,
        serving.constants.kernels(engine.engine_version),
    ).plan


def _fitted_pool(run: MeasuredRun, fit: FittedBackend) -> PoolPlan:
    """A machine that is known by its step times alone: the run says how large its cache is."""
    assert run.parallelism is not None
    engine = engine_of(run.engine, None)
    if engine.num_gpu_blocks is None:
        raise NotSimulated(
            "the run does not say num_gpu_blocks, and nothing else tells how large its cache is"
        )
    settings = engine_settings(engine, engine.num_gpu_blocks, card_of(run.model).context_tokens)
    return PoolPlan(
        name="main", settings=settings, pricer=FittedPricer(fit, None), replicas=run.parallelism.replicas
    )


def client_of(run: MeasuredRun) -> ClientPlan | None:
    """How long the run's client waits; None: as long as it takes."""
    assert run.client is not None
    return ClientPlan(timeout_ns=ns_from_seconds(run.client.timeout_s)) if run.client.timeout_s else None


def delays_of(run: MeasuredRun, serving: Serving) -> ServingDelays:
    """Time around the engine, as far as the run's clock includes it."""
    assert run.client is not None
    behind = any(word in run.client.ttft_from for word in _BEHIND_API)
    return ServingDelays(
        request_ns=0 if behind else ns_from_seconds(serving.constants.request_s),
        token_ns=0 if behind else ns_from_seconds(serving.token_s),
        token_share_ns=0 if behind else ns_from_seconds(serving.token_share_s),
    )


def load_of(run: MeasuredRun, streams: RandomStreams) -> RequestSource:
    """The requests of a run: its rows, else what its words say."""
    assert run.client is not None
    if run.requests_file is None:
        return StagedLoad(run.workload, streams, ends_on_stop=run.client.ignore_eos is False)
    arrivals: dict[str, Any] = {"process": "replay", "file": str(run.folder), "format": "measured-run"}
    return build_workload(WorkloadSpec.model_validate({"name": run.name, "arrivals": arrivals}), streams)
