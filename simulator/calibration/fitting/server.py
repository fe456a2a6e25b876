"""The server that a measurement is simulated on: exact scheduling, steps priced by a fitted backend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.calibration.reports.measurement import Measurement, statistics_of
from simulator.engine.cluster import ClusterPlan
from simulator.engine.gateway import ServingDelays
from simulator.engine.pool import PoolPlan
from simulator.engine.settings import EngineSettings
from simulator.errors import SimulatorError
from simulator.latency.fitted import FittedBackend, FittedPricer
from simulator.results.distributions import distribution_of_histogram, merge_histograms
from simulator.results.latencies import is_finished, latencies_of
from simulator.results.recording import Recording
from simulator.scenario.engine import EngineSpec
from simulator.simulation.event_loop import simulate
from simulator.simulation.pools import engine_settings
from simulator.units.clock import ns_from_seconds
from simulator.units.explain import validate
from simulator.units.random_streams import RandomStreams
from simulator.workload.traffic import RequestSource

#: Blocks of a cache that is never short, where nothing says how many there are.
PLENTY = 1 << 17
#: Longest request where nothing says it [tokens].
LONGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Server:
    """Engine settings, with what the measurement itself states laid over them."""

    engine: dict[str, Any]

    def settings_for(self, measurement: Measurement) -> EngineSettings:
        """Settings of the engine that served a measurement.

        Raises
        ------
        InputError
            Where a setting is unknown or they do not fit together.
        """
        given = measurement.engine | self.engine
        tokens = given.get("max_num_batched_tokens")
        if tokens is not None and "max_num_seqs" not in given:
            given["max_num_seqs"] = min(EngineSpec().max_num_seqs, int(tokens))
        spec = validate(EngineSpec, given, f"engine of {measurement.name}")
        return engine_settings(spec, spec.num_gpu_blocks or PLENTY, spec.max_model_len or LONGEST)


def serve(
    measurement: Measurement, settings: EngineSettings, fit: FittedBackend, load: RequestSource | None = None
) -> Recording | None:
    """The measurement's load, served with these step times; None where the server cannot hold it."""
    request_ns = 0 if measurement.behind_api else ns_from_seconds(fit.request_ms / 1e3)
    pool = PoolPlan(name="main", settings=settings, pricer=FittedPricer(fit, None))
    plan = ClusterPlan((pool,), delays=ServingDelays(request_ns=request_ns))
    try:
        return simulate(plan, load or measurement.load, RandomStreams(0))
    except SimulatorError:
        return None


def simulated_figures(recording: Recording, first: int = 0, last: int | None = None) -> dict[str, float]:
    """Latencies under the keys of measured runs, of the requests from ``first`` up to ``last`` of the load.

    Gaps between tokens are always those of all requests.
    """
    requests = recording.requests
    kept = is_finished(requests) & (requests.request >= first)
    if last is not None:
        kept &= requests.request < last
    latencies = latencies_of(requests)
    found: dict[str, float] = {}
    for name, ms in (("ttft", latencies.ttft), ("tpot", latencies.tpot), ("e2e", latencies.e2e)):
        found |= statistics_of(name, ms[kept] / 1e3)
    gaps = merge_histograms(pool.inter_token for pool in recording.pools)
    distribution = None if gaps is None else distribution_of_histogram(gaps)
    if distribution is not None:
        for statistic in ("mean", "p50", "p90", "p99"):
            found[f"itl_{statistic}_s"] = getattr(distribution, statistic) / 1e3
    steps = sum(pool.steps for pool in recording.pools)
    found["steps_per_request"] = steps / max(len(requests.request), 1)
    return found
