"""The bundled real run: fitted step times, predicted latencies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from simulator.simulation.measured_run import fit_step_times, measured_requests, simulate_measured_run
from simulator.units.data_files import data_folder

RUN = data_folder("workloads") / "vllm-cpu-chat"


def test_the_fit_finds_the_coefficients_that_made_the_durations(tmp_path):
    rng = np.random.default_rng(1)
    prefill, decode = rng.integers(0, 500, 300), rng.integers(0, 40, 300)
    context = prefill + decode * rng.integers(100, 900, 300)
    products = prefill * prefill
    duration_ns = 5_000_000 + 40_000 * prefill + 90_000 * decode + 700 * context + 12 * products
    pd.DataFrame(
        {
            "duration_s": duration_ns / 1e9,
            "prefill_tokens": prefill,
            "decode_tokens": decode,
            "total_context_tokens": context,
            "prefill_attn_products": products,
        }
    ).to_csv(tmp_path / "iterations.csv.gz", index=False)
    fit = fit_step_times(tmp_path / "iterations.csv.gz")
    found = fit.backend
    assert (found.base_ns, found.prefill_token_ns, found.decode_token_ns) == (5_000_000, 40_000, 90_000)
    assert (found.context_token_ns, found.prefill_attn_ns) == (700, 12)
    assert fit.error < 1e-6


def test_the_latencies_of_the_real_run_are_predicted():
    predicted = simulate_measured_run(RUN, "chat").to_dict()
    real = measured_requests(RUN)
    tpot_s = (real.e2e_s - real.ttft_s) / (real.output_tokens - 1)
    assert predicted["completed"] == len(real.ttft_s) == 300
    assert predicted["mean_ttft_ms"] == pytest.approx(1e3 * real.ttft_s.mean(), rel=0.03)
    assert predicted["median_ttft_ms"] == pytest.approx(1e3 * np.median(real.ttft_s), rel=0.03)
    assert predicted["mean_tpot_ms"] == pytest.approx(1e3 * tpot_s.mean(), rel=0.03)
    assert predicted["mean_e2el_ms"] == pytest.approx(1e3 * real.e2e_s.mean(), rel=0.03)
    assert predicted["p99_e2el_ms"] == pytest.approx(1e3 * np.percentile(real.e2e_s, 99), rel=0.06)
