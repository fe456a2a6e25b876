"""Measured runs (format measured-run/1) as measurements."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from simulator.calibration.fitting.shared_context import count_shared_once
from simulator.calibration.fitting.steps import read_steps
from simulator.calibration.measured_steps import is_measured_run, read_measured_steps
from simulator.calibration.reports.measurement import Measurement, Seen
from simulator.calibration.runs.measured import MeasuredRun, measured_on, read_run
from simulator.calibration.runs.server import IGNORED_SETTINGS
from simulator.calibration.runs.simulated import DEFAULT, delays_of, load_of
from simulator.errors import InputError, SimulatorError
from simulator.latency.pricer import StepColumns
from simulator.units.random_streams import RandomStreams

_LATENCIES = ("ttft", "tpot", "itl", "e2e")


def read_run_measurement(folder: Path) -> Measurement:
    """The measurement of one run.

    Raises
    ------
    InputError
        Where the folder holds no whole run, or its load is told neither in rows nor in stages.
    """
    run = read_run(folder)
    if run.client is None or (run.requests_file is None and not run.workload.load_stages):
        raise InputError("the run does not say its load: neither rows nor stages", file=folder)
    seen = _seen(run)
    engine = {key: value for key, value in run.engine.settings.items() if key not in IGNORED_SETTINGS}
    if run.engine.version is not None:
        engine["engine_version"] = run.engine.version
    if run.engine.usable_kv_blocks is not None:
        engine["num_gpu_blocks"] = run.engine.usable_kv_blocks + 1
    steps = None if run.iterations_file is None else read_steps(run.iterations_file)
    return Measurement(
        name=run.name,
        kind="measured run",
        load=load_of(run, RandomStreams(0)),
        figures={k: v for k, v in run.figures.items() if k.split("_")[0] in _LATENCIES},
        seen=seen,
        steps=steps,
        steps_once=None if steps is None else _shared_once(run, steps),
        behind_api=delays_of(run, DEFAULT).request_ns == 0,
        on=measured_on(run),
        engine=engine,
    )


def _shared_once(run: MeasuredRun, steps: StepColumns) -> StepColumns | None:
    """The steps with shared context counted once; None where nothing is shared or the replay fails."""
    if not run.engine.settings.get("enable_prefix_caching") or not is_measured_run(run.folder):
        return None
    try:
        return count_shared_once(read_measured_steps(run.folder), steps)
    except SimulatorError:
        return None


def _seen(run: MeasuredRun) -> Seen | None:
    """The latencies of its requests, in the order of the load; NaN for those with an error."""
    if run.requests_file is None:
        return None
    import pandas as pd

    table = pd.read_csv(run.requests_file)
    if not {"ttft_s", "e2e_s"} <= set(table.columns) or table["ttft_s"].isna().all():
        return None
    table = table.sort_values("arrival_s", kind="stable")
    good = table["error"].isna().to_numpy() if "error" in table else np.ones(len(table), dtype=np.bool_)
    ttft = np.where(good, table["ttft_s"].to_numpy(dtype=np.float64), np.nan)
    e2e = np.where(good, table["e2e_s"].to_numpy(dtype=np.float64), np.nan)
    outputs = table["output_tokens"].to_numpy()
    tpot = np.where(outputs > 1, (e2e - ttft) / np.maximum(outputs - 1, 1), np.nan)
    return Seen(ttft, tpot, e2e)
