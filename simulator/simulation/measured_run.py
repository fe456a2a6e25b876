"""A measured run of a real engine, simulated again with step times fitted to its own iterations.

What remains to be predicted is the schedule: who waits, who is batched with whom, and so every
request's latencies. The step times are a linear form of the step's aggregates (`LinearPricer`),
fitted with coefficients of at least zero by least squares. It is no prediction of hardware:
the fit has seen the run's iterations, though none of its request latencies.

Reads folders of the format measured-run/1 (``run.yaml``, ``requests.csv.gz``,
``iterations.csv.gz``). Left out: time between two iterations (0.02 ms in the bundled run).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simulator.engine.cluster import ClusterPlan
from simulator.engine.pool import PoolPlan
from simulator.errors import InputError
from simulator.latency.linear import LinearPricer
from simulator.results.context import PoolContext, RunContext
from simulator.results.error_bars import KnownErrors
from simulator.results.recording import Floats
from simulator.results.result import Result, RunMeta
from simulator.scenario.backend import LinearBackendSpec
from simulator.scenario.engine import EngineSpec
from simulator.scenario.workload import WorkloadSpec
from simulator.simulation.event_loop import simulate
from simulator.simulation.pools import engine_settings
from simulator.units.clock import NS_PER_S
from simulator.units.random_streams import RandomStreams
from simulator.units.yaml_file import read_mapping
from simulator.workload.build import build_workload

#: Columns of ``iterations.csv.gz`` that the coefficients belong to, in the order of the form.
COEFFICIENTS = {
    "base_ns": None,
    "prefill_token_ns": "prefill_tokens",
    "decode_token_ns": "decode_tokens",
    "context_token_ns": "total_context_tokens",
    "prefill_attn_ns": "prefill_attn_products",
}


@dataclass(frozen=True, slots=True)
class StepTimeFit:
    """Coefficients of a linear step time, and its mean absolute error over mean step time [1]."""

    backend: LinearBackendSpec
    error: float
    iterations: int


@dataclass(frozen=True, slots=True)
class MeasuredRequests:
    """What the client of a measured run saw, one element per finished request.

    Latencies in seconds, lengths in tokens, ``duration_s`` from the first arrival to the last finish.
    """

    ttft_s: Floats
    e2e_s: Floats
    prompt_tokens: Floats
    output_tokens: Floats
    duration_s: float


def simulate_measured_run(folder: Path, name: str) -> Result:
    """The run in ``folder`` as the simulator predicts it, under ``name``.

    Raises
    ------
    InputError
        Where the folder holds no such run.
    """
    started = time.perf_counter()
    about = read_mapping(folder / "run.yaml", "measured run")
    fit = fit_step_times(folder / "iterations.csv.gz")
    engine = _engine(about)
    pool = PoolPlan(
        name="main",
        settings=engine_settings(engine, _blocks(engine, folder), _context(engine, folder)),
        pricer=LinearPricer(fit.backend, None),
    )
    streams = RandomStreams(0)
    source = build_workload(_load(folder), streams)
    recording = simulate(ClusterPlan((pool,)), source, streams)
    context = RunContext(scenario=name, model=about["model"]["id"], pools=(_pool(about, fit),), workload=name)
    meta = RunMeta.here(time.perf_counter() - started)
    return Result.of({"name": name, "measured_run": about["name"]}, recording, context, meta)


def fit_step_times(iterations: Path) -> StepTimeFit:
    """Fit the linear form to the iterations of a run.

    Notes
    -----
    Coefficients are least squares on the durations [ns] among those that are at least zero, rounded to whole
    nanoseconds. Columns are scaled to unit mean first, as products of tokens dwarf the rest.
    """
    import pandas as pd
    from scipy.optimize import nnls

    table = pd.read_csv(iterations)
    durations = table["duration_s"].to_numpy() * NS_PER_S
    columns = [
        np.ones(len(table)) if name is None else table[name].to_numpy() for name in COEFFICIENTS.values()
    ]
    features = np.column_stack(columns).astype(np.float64)
    scale = np.maximum(features.mean(axis=0), 1.0)
    scaled, _ = nnls(features / scale, durations)
    rounded = np.rint(scaled / scale).astype(np.int64)
    error = float(np.abs(features @ rounded - durations).mean() / durations.mean())
    backend = LinearBackendSpec(**dict(zip(COEFFICIENTS, rounded.tolist(), strict=True)))
    return StepTimeFit(backend, error, len(table))


def measured_requests(folder: Path) -> MeasuredRequests:
    """The latencies that the client of a run measured."""
    import pandas as pd

    table = pd.read_csv(folder / "requests.csv.gz")
    finished = table[table["error"].isna()]
    ends = finished["arrival_s"] + finished["e2e_s"]
    return MeasuredRequests(
        ttft_s=finished["ttft_s"].to_numpy(dtype=np.float64),
        e2e_s=finished["e2e_s"].to_numpy(dtype=np.float64),
        prompt_tokens=finished["prompt_tokens"].to_numpy(dtype=np.float64),
        output_tokens=finished["output_tokens"].to_numpy(dtype=np.float64),
        duration_s=float(ends.max() - finished["arrival_s"].min()),
    )


def _engine(about: dict[str, Any]) -> EngineSpec:
    return EngineSpec(engine_version=about["engine"]["version"], **about["engine"]["settings"])


def _blocks(engine: EngineSpec, folder: Path) -> int:
    if engine.num_gpu_blocks is None:
        raise InputError("does not say num_gpu_blocks", file=folder / "run.yaml", key="engine.settings")
    return engine.num_gpu_blocks


def _context(engine: EngineSpec, folder: Path) -> int:
    if engine.max_model_len is None:
        raise InputError("does not say max_model_len", file=folder / "run.yaml", key="engine.settings")
    return engine.max_model_len


def _load(folder: Path) -> WorkloadSpec:
    arrivals = {"process": "replay", "file": str(folder), "format": "measured-run"}
    return WorkloadSpec.model_validate({"name": folder.name, "arrivals": arrivals})


def _pool(about: dict[str, Any], fit: StepTimeFit) -> PoolContext:
    return PoolContext(
        name="main",
        device=about["hardware"]["device"],
        devices_per_replica=about["hardware"]["count"],
        replicas=1,
        backend="linear",
        known_errors=KnownErrors(
            stated=f"of a step on average {fit.error:.0%}, on the run that it was fitted to"
        ),
        provenance=(
            f"fitted to the {fit.iterations:,} iterations of the run itself;"
            f" mean absolute error {fit.error:.0%} of the mean step"
        ),
    )
