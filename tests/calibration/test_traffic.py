"""Workloads beside traces: counts, lengths and their correlation."""

from __future__ import annotations

import json

import numpy as np
import pytest

from simulator.calibration.traffic.__main__ import main
from simulator.calibration.traffic.fit import main as fit
from simulator.calibration.traffic.hidden_markov import fit_hidden_rates
from simulator.calibration.traffic.statistics import index_of_dispersion, rank_correlation
from simulator.workload import read_trace, write_trace
from simulator.workload.chunking import cut

AZURE = "traces/workloads/azure_llm_2023/AzureLLMInferenceTrace_"
#: Trace of each workload, and how far dispersion may be off.
TRACES = {
    "azure-conv-2023": (f"{AZURE}conv.first_13828_rows.csv.gz", 0.15),
    "azure-code-2023": (f"{AZURE}code.first_5353_rows.csv.gz", 0.25),
}


def test_poisson_has_a_dispersion_of_one_and_equal_gaps_of_none():
    random = np.random.default_rng(0)
    poisson = np.cumsum(random.exponential(1e8, 50_000)).astype(np.int64)
    assert index_of_dispersion(poisson, 10) == pytest.approx(1.0, abs=0.1)
    assert index_of_dispersion(np.arange(0, 10**12, 10**8), 10) == pytest.approx(0.0, abs=1e-3)
    assert np.isnan(index_of_dispersion(poisson[:5], 60))


def test_ranks_see_order_and_not_size():
    one = np.array([1, 2, 3, 4, 5])
    assert rank_correlation(one, one**7) == pytest.approx(1.0)
    assert rank_correlation(one, -one) == pytest.approx(-1.0)
    assert rank_correlation(np.array([1, 1, 2, 2]), np.array([1, 2, 1, 2])) == pytest.approx(0.0)


@pytest.mark.parametrize("name", TRACES)
def test_shipped_workloads_look_like_their_traces(shared, capsys, name):
    file, tolerance = TRACES[name]
    assert main([name, str(shared / file), "--seeds", "40", "--json"]) == 0
    rows = {row["figure"]: row for row in json.loads(capsys.readouterr().out)}
    for width in (1, 10, 60):
        assert abs(rows[f"index of dispersion {width} s, whole"]["error"]) < tolerance
        slices = rows[f"index of dispersion {width} s, 10-minute slices"]
        assert abs(slices["error"]) < tolerance
        assert slices["spread"] > abs(slices["error"])  # nearer to the mean of the slices than they are
    for length in ("prompt", "output"):
        for percent in (50, 90, 99):
            assert abs(rows[f"{length} tokens p{percent}"]["error"]) < 0.05
    assert abs(rows["rank correlation"]["error"]) < 0.02


def test_another_file_is_refused(tmp_path, capsys):
    file = tmp_path / "trace.csv"
    file.write_text("a,b\n1,2\n")
    assert main(["azure-conv-2023", str(file)]) == 2
    assert "belongs to no known layout" in capsys.readouterr().err
    file.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2024-01-01 00:00:00,5,5\n")
    assert main(["azure-conv-2023", str(file)]) == 2
    assert "too short" in capsys.readouterr().err


def test_a_hidden_markov_model_finds_the_states_that_made_the_counts():
    random = np.random.default_rng(3)
    state, counts = 0, []
    for _ in range(4000):
        if random.random() < 0.05:
            state = 1 - state
        counts.append(random.poisson((0.5, 12.0)[state]))
    found = fit_hidden_rates(np.array(counts), 2)
    assert found.rates == pytest.approx([0.5, 12.0], rel=0.1)
    assert found.transition.sum(axis=1) == pytest.approx([1.0, 1.0])
    assert np.diag(found.transition) == pytest.approx([0.95, 0.95], abs=0.02)


def test_a_short_trace_is_not_fitted(tmp_path, capsys):
    file = tmp_path / "trace.csv"
    file.write_text("arrival_s,prompt_tokens,output_tokens\n" + "".join(f"{i},10,5\n" for i in range(50)))
    assert fit([str(file)]) == 2
    assert "a fit needs 200" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("name", TRACES)
def test_a_workload_fitted_to_a_trace_looks_like_it(shared, tmp_path, capsys, name):
    file, tolerance = TRACES[name]
    made = tmp_path / "made.yaml"
    assert fit([str(shared / file), "--name", "made", "--out", str(made)]) == 0
    assert main([str(made), str(shared / file), "--seeds", "40", "--json"]) == 0
    rows = {row["figure"]: row for row in json.loads(capsys.readouterr().out)}
    for width in (1, 10, 60):
        assert abs(rows[f"index of dispersion {width} s, whole"]["error"]) < tolerance
    for figure, row in rows.items():
        if "tokens" in figure or "correlation" in figure:
            assert abs(row["error"]) < 0.05, figure


@pytest.mark.slow
def test_lengths_fitted_to_one_part_of_the_code_trace_hold_for_the_other(shared, tmp_path, capsys):
    """Code does not drift within the half hour; chat does, so no stationary model could hold for it."""
    real = read_trace(shared / TRACES["azure-code-2023"][0]).traffic
    parts = [tmp_path / "first.csv", tmp_path / "rest.csv"]
    at = int(0.6 * len(real))
    write_trace([cut(real, 0, at)], parts[0])
    write_trace([cut(real, at, len(real))], parts[1])
    made = tmp_path / "made.yaml"
    assert fit([str(parts[0]), "--out", str(made)]) == 0
    assert main([str(made), str(parts[1]), "--seeds", "40", "--json"]) == 0
    rows = {row["figure"]: row for row in json.loads(capsys.readouterr().out)}
    for length in ("prompt", "output"):
        assert abs(rows[f"{length} tokens p50"]["error"]) < 0.05
        assert abs(rows[f"{length} tokens p90"]["error"]) < 0.1
    assert abs(rows["rank correlation"]["error"]) < 0.05
