"""A measured run, simulated: the same load on the simulator's own server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulator.calibration.runs.measured import MeasuredRun
from simulator.calibration.runs.server import (
    NotSimulated,
    card_of,
    device_of,
    engine_of,
    refuse_what_is_missing,
)
from simulator.calibration.runs.staged import StagedLoad
from simulator.engine.cluster import ClusterPlan
from simulator.engine.gateway import ServingDelays
from simulator.errors import SimulatorError
from simulator.results.recording import Recording
from simulator.scenario.backend import AutoBackendSpec, BackendSpec
from simulator.scenario.cluster import PoolSpec
from simulator.scenario.engine_versions import API_REQUEST_S, API_TOKEN_S, API_TOKEN_SHARE_S
from simulator.scenario.workload import WorkloadSpec
from simulator.simulation.event_loop import simulate
from simulator.simulation.pools import prepare_pool
from simulator.units.clock import ns_from_seconds
from simulator.units.random_streams import RandomStreams
from simulator.workload.build import build_workload
from simulator.workload.traffic import RequestSource

#: Words in ``client.ttft_from`` of runs whose clock starts behind the API server.
_BEHIND_API = ("engine queue", "arrival_s;")


@dataclass(frozen=True, slots=True)
class Serving:
    """What is said about a server beyond its run's description.

    Attributes
    ----------
    latency
        What prices the steps.
    request_s, token_s, token_share_s
        Time in the API server before the engine and on the way back, and what each neighbour adds to
        that [s].
    """

    latency: BackendSpec = field(default_factory=AutoBackendSpec)
    request_s: float = API_REQUEST_S
    token_s: float = API_TOKEN_S
    token_share_s: float = API_TOKEN_SHARE_S


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
        return _simulate(run, serving, seed)
    except SimulatorError as error:
        raise NotSimulated(str(error)) from error


def _simulate(run: MeasuredRun, serving: Serving, seed: int) -> Recording:
    assert run.parallelism is not None and run.client is not None
    device = device_of(run.hardware)
    spec = PoolSpec(
        name="main",
        hardware=run.hardware.device,
        replicas=run.parallelism.replicas,
        parallelism=run.parallelism.spec,
        engine=engine_of(run.engine, device),
        latency=serving.latency,
    )
    pool = prepare_pool(spec, device, card_of(run.model), run.model.weight_dtype, run.model.kv_dtype)
    streams = RandomStreams(seed)
    plan = ClusterPlan((pool.plan,), delays=delays_of(run, serving))
    return simulate(plan, load_of(run, streams), streams)


def delays_of(run: MeasuredRun, serving: Serving) -> ServingDelays:
    """Time around the engine, as far as the run's clock includes it."""
    assert run.client is not None
    behind = any(word in run.client.ttft_from for word in _BEHIND_API)
    return ServingDelays(
        request_ns=0 if behind else ns_from_seconds(serving.request_s),
        token_ns=0 if behind else ns_from_seconds(serving.token_s),
        token_share_ns=0 if behind else ns_from_seconds(serving.token_share_s),
        timeout_ns=ns_from_seconds(run.client.timeout_s or 0.0),
    )


def load_of(run: MeasuredRun, streams: RandomStreams) -> RequestSource:
    """The requests of a run: its rows, else what its words say."""
    assert run.client is not None
    if run.requests_file is None:
        return StagedLoad(run.workload, streams, ends_on_stop=run.client.ignore_eos is False)
    arrivals: dict[str, Any] = {"process": "replay", "file": str(run.folder), "format": "measured-run"}
    return build_workload(WorkloadSpec.model_validate({"name": run.name, "arrivals": arrivals}), streams)
